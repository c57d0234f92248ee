"""One error for everything in a foreign network that has no equivalent."""

from __future__ import annotations

from collections.abc import Sequence

from neurosparse.errors import ParameterError

__all__ = ["refuse"]


def refuse(argument: str, problems: Sequence[str]) -> None:
    """Raise if there are problems.

    Parameters
    ----------
    argument : str
        What cannot be converted.
    problems : sequence of str
        Each names the part, its setting, and what to do.

    Raises
    ------
    ParameterError
        With all of them, a line each.
    """
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        head = f"{argument}: cannot be converted: {count}"
        raise ParameterError("\n  - ".join([head, *problems]))
