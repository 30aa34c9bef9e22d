"""Where the data of a company lie: the one place that turns DATA into a source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from churnml import arguments
from churnml.address import Address, is_address
from churnml.errors import InputError
from churnml.sources.description import Description, read_description
from churnml.sources.workshop import Workshop, open_workshop

DESCRIPTION_FILE = "dataset.toml"


@dataclass(frozen=True)
class Place:
    """A folder of tables, a DuckDB file or a database of PostgreSQL, and its description.

    A folder may hold no more than a description that says where the tables are.

    Parameters
    ----------
    data : Path or Address
    dataset_file : Path, optional
        The description; None: there is none, the canonical names are expected.
    """

    data: Path | Address
    dataset_file: Path | None

    @property
    def folder(self) -> Path | None:
        """Where relative paths of the description lie; None: nowhere, so there may be none."""
        if isinstance(self.data, Path):
            return _folder(self.data)
        return None if self.dataset_file is None else self.dataset_file.parent

    def description(self) -> Description:
        """What dataset.toml says; without one the defaults.

        Raises
        ------
        InputError
            If the file is unusable, or names tables of a server and there is none.
        """
        found = read_description(self.dataset_file, folder=self.folder)
        if isinstance(self.data, Address) and found.server.spark is not None:
            raise InputError(
                f"DATA is an address of PostgreSQL, and {self.dataset_file} says [server] spark. "
                "Leave one of them out."
            )
        if isinstance(self.data, Path) and not found.server.is_given:
            for name, source in found.tables.items():
                if source.table is not None:
                    raise InputError(
                        f"{self.dataset_file}: tables.{name}.table names a table of a server, but "
                        'no server is given. Add [server] postgres = "…", the environment variable '
                        'with its address, or give the address as DATA; or [server] spark = "…", a '
                        "schema of its catalog."
                    )
        return found

    def workshop(self, description: Description) -> Workshop:
        """The locked workshop in which the source is read.

        Raises
        ------
        InputError
            If there is no such data, the file is no DuckDB database, or the server cannot be
            reached.
        """
        path = self.data if isinstance(self.data, Path) else self.folder
        return open_workshop(
            path, timezone=description.timezone, server=self._server(description),
            schema=description.server.spark,
        )  # fmt: skip

    def _server(self, description: Description) -> Address | None:
        if isinstance(self.data, Address):
            return self.data
        variable = description.server.postgres
        return None if variable is None else Address.in_environment(variable)


def place_of(data: Path | str, dataset_file: Path | str | None = None) -> Place:
    """Where the data lie.

    Parameters
    ----------
    data : Path or str
        Folder of tables, DuckDB file, or ``postgresql://user@host/database?schema=name``.
    dataset_file : Path or str, optional
        Description of the dataset; default: ``dataset.toml`` beside the files.

    Raises
    ------
    InputError
        If there is nothing there, or the address is none or holds a password.
    """
    given = None
    if dataset_file is not None:
        given = arguments.located(dataset_file, what="dataset_file")
    found = arguments.present(data)
    if isinstance(found, Address):
        return Place(found, given)
    beside = _folder(found) / DESCRIPTION_FILE
    return Place(found, given or (beside if beside.is_file() else None))


def truth_beside(data: Path | str) -> Path | None:
    """Where the truth of a simulated world lies, whose tables are OUT/data: OUT/truth."""
    if isinstance(data, str) and is_address(data):
        return None
    return Path(data).resolve().parent / "truth"


def _folder(path: Path) -> Path:
    return path.parent if path.is_file() else path
