"""The command line: ``python -m churnml COMMAND`` is ``churnml COMMAND``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from churnml.commands import app, stderr
from churnml.errors import InputError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; what a user can mend ends with one message and exit code 2."""
    # Threads that spin while they wait cost a factor of ten on a shared machine; must be set
    # before OpenMP starts.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app(args=list(arguments) if arguments is not None else None)
    except InputError as error:
        stderr.print(f"churnml: {error}", style="bold red", highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        stderr.print("churnml: stopped; nothing half-written is left.")
        sys.exit(130)


if __name__ == "__main__":
    main()
