"""A number that knows its unit, where it comes from and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["SI", "Choice", "Confidence", "Quantity"]

Confidence = Literal["high", "medium", "low"]

# What one of a unit is in joule, seconds, or as a bare number.
SI: dict[str, float] = {
    "1": 1.0,
    "bit": 1.0,
    "step": 1.0,
    "fJ": 1e-15,
    "pJ": 1e-12,
    "nJ": 1e-9,
    "uJ": 1e-6,
    "J": 1.0,
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
}


@dataclass(frozen=True)
class Quantity:
    """A number with its unit and source.

    Parameters
    ----------
    value : float
        In ``unit``.
    unit : str
        See ``hardware/README.md``.
    source : str
        Publication, or how it was derived.
    confidence : {"high", "medium", "low"}
        How far to trust it.
    """

    value: float
    unit: str
    source: str
    confidence: Confidence

    @property
    def si(self) -> float:
        """The value in joule, seconds, or as a bare number."""
        return self.value * SI[self.unit]


@dataclass(frozen=True)
class Choice:
    """The numbers something may take, with their unit and source.

    Parameters
    ----------
    values : tuple of int
        Rising, in ``unit``.
    unit, source : str
        As of `Quantity`.
    confidence : {"high", "medium", "low"}
        How far to trust them.
    """

    values: tuple[int, ...]
    unit: str
    source: str
    confidence: Confidence
