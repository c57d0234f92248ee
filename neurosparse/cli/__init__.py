"""The command line: one command per verb of the main job (``neurosparse --help``)."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a check failed, 2 wrong use, 130 interrupted.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.

    Raises
    ------
    SystemExit
        Always.
    """
    try:
        from neurosparse.cli.app import app
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if package not in ("typer", "rich"):
            raise
        sys.stderr.write(
            f"error: the command line needs {package}, which is not installed; "
            "run: pip install 'neurosparse[cli]'\n"
        )
        raise SystemExit(2) from None
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without the letter µ shows ?, not an error
            stream.reconfigure(errors="replace")
    app(None if arguments is None else list(arguments), prog_name="neurosparse")
