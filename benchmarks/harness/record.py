"""One measured number and what belongs to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neurosparse.environment import host, versions

__all__ = ["Record", "Summary", "summarise"]


class Summary(NamedTuple):
    """Samples in short."""

    value: float  # median
    low: float  # smallest
    high: float  # largest
    n: int


def summarise(samples: ArrayLike) -> Summary:
    """Return median, smallest, largest and number of the samples.

    Raises
    ------
    ValueError
        If there are none, or one is not finite.
    """
    array = np.asarray(samples, dtype=np.float64).ravel()
    if not array.size or not np.isfinite(array).all():
        raise ValueError(f"samples: got {array.tolist()}; expected one or more finite numbers")
    return Summary(float(np.median(array)), float(array.min()), float(array.max()), array.size)


@dataclass(frozen=True)
class Record:
    """One number of one benchmark.

    Parameters
    ----------
    benchmark, case, metric : str
        Which benchmark, under which conditions, and what of it.
    value : float
        Median of the samples, or the count.
    unit : str
        Of value, low and high; ``"1"`` when dimensionless.
    n : int
        Number of samples; 1 for a count.
    low, high : float
        Smallest and largest sample.
    versions, host : dict
        See `neurosparse.environment`.
    """

    benchmark: str
    case: str
    metric: str
    value: float
    unit: str
    n: int
    low: float
    high: float
    versions: dict[str, str | None] = field(default_factory=versions)
    host: dict[str, Any] = field(default_factory=host)

    @classmethod
    def of(cls, benchmark: str, case: str, metric: str, samples: ArrayLike, unit: str) -> Record:
        """Summarise samples; a single number is a count that has no spread."""
        value, low, high, n = summarise(samples)
        return cls(benchmark, case, metric, value, unit, n, low, high)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return asdict(self)
