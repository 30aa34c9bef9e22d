"""``python -m churnml.reference FOLDER`` writes the pages; what ``make docs`` runs."""

from __future__ import annotations

import sys
from pathlib import Path

from churnml.reference.python_names import write_python_names
from churnml.reference.writing import write_reference

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/reference")
written = (*write_reference(folder), write_python_names(folder))
sys.stdout.write(f"{len(written)} pages: {written[0]}\n")
