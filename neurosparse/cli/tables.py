"""Tables that more than one command prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosparse.cli.output import show_table

__all__ = ["show_comparison", "show_lava", "show_lava_layers"]


def show_comparison(title: str, models: Mapping[str, Mapping[str, Any]]) -> None:
    """Print models side by side, every number with its mark.

    Parameters
    ----------
    title : str
        Stands above.
    models : mapping
        As `Comparison.to_dict` gives it.
    """
    from neurosparse.compare import Marked, format_marked
    from neurosparse.compare.table import QUANTITIES

    def cell(model: Mapping[str, Any], quantity: str) -> str:
        if model[quantity] is None:
            return "-"
        mark, unit = model["marks"][quantity], model["units"][quantity]
        return format_marked(quantity, Marked(model[quantity], mark, unit))

    rows = [
        (label, *(cell(model, quantity) for model in models.values()))
        for quantity, label in QUANTITIES.items()
        if any(model[quantity] is not None for model in models.values())
    ]
    show_table(title, ("", *models), rows)


def show_lava(title: str, outcomes: Mapping[str, Mapping[str, Any]]) -> None:
    """Print what Lava made of test samples, one row per model of Lava.

    Parameters
    ----------
    title : str
        Stands above.
    outcomes : mapping
        By tag, as `LavaOutcome.to_dict` gives it.
    """
    columns = ("Lava", "samples", "spikes compared", "mismatches", "accuracy", "ours")
    rows = [
        (
            tag,
            outcome["samples"],
            outcome["spikes_compared"],
            outcome["spike_mismatches"],
            f"{100 * outcome['accuracy']:.2f} %",
            f"{100 * outcome['engine_accuracy']:.2f} %",
        )
        for tag, outcome in outcomes.items()
    ]
    show_table(title, columns, rows)


def show_lava_layers(title: str, outcomes: Mapping[str, Mapping[str, Any]]) -> None:
    """Print where Lava and our engines differ, one row per model of Lava and population.

    Parameters
    ----------
    title : str
        Stands above.
    outcomes : mapping
        By tag, as `LavaOutcome.details` gives it.
    """
    columns = ("Lava", "population", "spikes compared", "mismatches", "u and v compared")
    rows = [
        (
            tag,
            layer["population"],
            layer["spikes_compared"],
            layer["spike_mismatches"],
            layer["values_compared"],
            layer["value_mismatches"],
            None if layer["first_mismatch"] is None else layer["first_mismatch"]["text"],
        )
        for tag, outcome in outcomes.items()
        for layer in outcome["layers"]
    ]
    show_table(title, (*columns, "mismatches", "first mismatch"), rows)
