"""What is done every so many steps of a run, counted from the begin of the experiment."""

from __future__ import annotations

from typing import Any

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count

__all__ = ["interval", "is_due", "next_due"]


def interval(name: str, every: Any, has_use: bool = True) -> int | None:
    """Return every how many steps something is done; None for never."""
    if every is None:
        return None
    if not has_use:
        raise ParameterError(
            f"{name}: got {every}, but {name.removesuffix('_every')} was not given"
        )
    return check_count(name, every, least=1)


def is_due(step: int, every: int | None) -> bool:
    """Whether something that is done every so often (in absolute steps) is due now."""
    return every is not None and step % every == 0


def next_due(step: int, stop: int, *intervals: int | None) -> int:
    """Return the next step at which anything is due, ``stop`` at the latest."""
    return min([stop, *(step + every - step % every for every in intervals if every is not None)])
