"""Reference pages, made from what the code says of itself; nothing in them is typed twice."""

from churnml.reference.tables import command_tables, figure_table, settings_table
from churnml.reference.writing import write_reference

__all__ = ["command_tables", "figure_table", "settings_table", "write_reference"]
