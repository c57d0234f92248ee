"""Say what cannot be measured here, and why."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Omitted", "Unavailable"]


class Unavailable(Exception):  # noqa: N818 - not an error: a benchmark says why it cannot run here
    """Raised by a benchmark that cannot run here; the message says what is missing."""


@dataclass(frozen=True)
class Omitted:
    """Yielded by a benchmark that goes on without a part of it.

    Parameters
    ----------
    what, reason : str
        Which part, for instance a peer, and what is missing.
    """

    what: str
    reason: str
