"""Names and numbers as the report writes them: one wording for tables, figures and cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosparse.compare import Marked, format_marked

__all__ = [
    "MODEL_LABELS",
    "OPERATION_LABELS",
    "TAG_LABELS",
    "energy_range",
    "joule",
    "layer_label",
    "number",
    "percent",
    "quantity_text",
    "short_percent",
    "times",
]

MODEL_LABELS = {"dense_ann": "Dense ANN", "dense_snn": "Dense SNN", "sparse_snn": "Sparse SNN"}
OPERATION_LABELS = {
    "mac": "multiply-accumulates",
    "synaptic_event": "synaptic events",
    "neuron_update": "neuron updates",
}
TAG_LABELS = {"floating_pt": "floating point", "fixed_pt": "fixed point"}


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share, e.g. ``"97.2 %"`` (not to be broken); ``"-"`` where there is none."""
    return "-" if share is None else f"{100 * share:.{digits}f}\N{NO-BREAK SPACE}%"


def short_percent(share: float | None) -> str:
    """Write a share for a headline, with two digits where it is small: ``"1.3 %"``, ``"27 %"``."""
    return percent(share, 1 if share is not None and share < 0.0995 else 0)


def number(value: float | None) -> str:
    """Write a count with thousands separators; small averages keep their decimals."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def joule(value: float) -> str:
    """Write an energy with its prefix, e.g. ``"136 nJ"``."""
    return quantity_text("energy_joule", Marked(value, "estimated", "J"))


def energy_range(energy: Mapping[str, Any]) -> str:
    """Write an energy, or its bounds, e.g. ``"870 nJ to 1.2 µJ"``."""
    low, high = joule(energy["low_joule"]), joule(energy["high_joule"])
    return high if low == high else f"{low} to {high}"


def times(ratio: float | None) -> str:
    """Write a ratio to a baseline, e.g. ``"0.21×"``; two digits tell enough."""
    if ratio is None:
        return "-"
    return f"{ratio:#.2g}×" if ratio < 9.95 else f"{ratio:,.0f}×"


def layer_label(projection: str) -> str:
    """Write the name of a projection with a proper arrow."""
    return projection.replace("->", " → ")


def quantity_text(quantity: str, marked: Marked | None) -> str:
    """Write a number as the comparison's table does, without its mark."""
    text = format_marked(quantity, marked)
    return text if marked is None else text.removesuffix(f" ({marked.mark})")
