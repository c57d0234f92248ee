"""Mean and range over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from neurosparse.sweep.cell import Row

__all__ = ["SUMMARY_COLUMNS", "Spread", "by_scheme", "spread", "summary_table"]

SUMMARY_COLUMNS = (
    "scheme",
    "density",
    "test accuracy",
    "range",
    "under attack",
    "synapses",
    "effective",
    "operations",
    "energy",
    "R_s",
    "seeds",
)


_UNITS = {"nJ": 1e-9, "uJ": 1e-6, "mJ": 1e-3, "J": 1.0}


@dataclass(frozen=True)
class Spread:
    """A number over seeds.

    Parameters
    ----------
    mean, low, high : float
        Mean, least and largest.
    n : int
        Cells it stands for.
    """

    mean: float
    low: float
    high: float
    n: int


def spread(rows: Sequence[Row], column: str) -> Spread | None:
    """Return mean and range of a column; None where no row has a value.

    Examples
    --------
    >>> spread([{"x": 1.0}, {"x": 2.0}, {"x": None}], "x")
    Spread(mean=1.5, low=1.0, high=2.0, n=2)
    """
    values = [float(row[column]) for row in rows if row[column] is not None]
    if not values:
        return None
    low, high = min(values), max(values)
    mean = math.fsum(values) / len(values)  # which rounding may put outside
    return Spread(min(max(mean, low), high), low, high, len(values))


def by_scheme(rows: Sequence[Row]) -> dict[str, dict[float, list[Row]]]:
    """Return the rows of every scheme and density, densities ascending.

    Schemes come in the order of `neurosparse.sparsify.CATALOGUE`, others at the end.
    """
    from neurosparse.sparsify import CATALOGUE

    there = {str(row["scheme"]) for row in rows}
    names = [name for name in CATALOGUE if name in there]
    names += sorted(there - set(names))
    return {
        name: {
            density: [row for row in rows if (row["scheme"], row["density"]) == (name, density)]
            for density in sorted({row["density"] for row in rows if row["scheme"] == name})
        }
        for name in names
    }


def summary_table(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Return a line of text per scheme and density under `SUMMARY_COLUMNS`: means over seeds.

    Operations are synaptic events of a spiking network, multiply-accumulates of another.
    """
    lines: list[tuple[str, ...]] = []
    for scheme, densities in by_scheme(rows).items():
        for density, same in densities.items():
            operations = "synaptic_events" if same[0]["model"] == "snn" else "macs"
            accuracy = spread(same, "test_accuracy")
            seen = "-" if accuracy is None else _range(accuracy)
            lines.append(
                (
                    scheme,
                    f"{100 * density:g} %",
                    _mean(same, "test_accuracy", "{:.2%}"),
                    seen,
                    _mean(same, "robust_accuracy", "{:.2%}"),
                    _mean(same, "synapses", "{:,.0f}"),
                    _mean(same, "effective_synapses", "{:,.0f}"),
                    _mean(same, operations, "{:,.0f}"),
                    _energy(same),
                    _mean(same, "r_s", "{:.1%}"),
                    str(len(same)),
                )
            )
    return lines


def _range(accuracy: Spread) -> str:
    return f"{100 * accuracy.low:.2f} to {100 * accuracy.high:.2f}"


def _mean(rows: Sequence[Row], column: str, form: str) -> str:
    found = spread(rows, column)
    return "-" if found is None else form.format(found.mean).replace("%", " %")


def _energy(rows: Sequence[Row]) -> str:
    """Return the mean energy with three digits, in the unit that keeps it below 1000."""
    found = spread(rows, "energy_joule")
    if found is None:
        return "-"
    texts = [f"{found.mean / unit:.3g} {name}" for name, unit in _UNITS.items()]
    return next((text for text in texts if float(text.split()[0]) < 1000), texts[-1])
