"""Several models side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from neurosparse.compare.cost import EnergyEstimate, Marked, ModelCost
from neurosparse.errors import ParameterError

__all__ = ["QUANTITIES", "Comparison", "Row", "format_marked"]

# Stable names in JSON -> labels in tables, in the order of both.
QUANTITIES: dict[str, str] = {
    "accuracy": "Accuracy",
    "synapses": "Synapses",
    "potential_synapses": "Potential synapses",
    "connection_sparsity": "Connection sparsity",
    "activity_sparsity": "Activity sparsity",
    "input_sparsity": "Input sparsity",
    "synaptic_events_per_inference": "Synaptic events per inference",
    "neuron_updates_per_inference": "Neuron updates per inference",
    "macs_per_inference": "MACs per inference",
    "parameter_bytes": "Parameters",
    "energy_joule": "Energy per inference",
}
_SHARES = ("accuracy", "connection_sparsity", "activity_sparsity", "input_sparsity")
_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))


class Row(NamedTuple):
    """One quantity of every model."""

    quantity: str
    label: str
    values: tuple[Marked | None, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """The values as text, each with its mark."""
        return tuple(format_marked(self.quantity, value) for value in self.values)


@dataclass(frozen=True)
class Comparison:
    """Costs of several models over the same test set.

    Parameters
    ----------
    models : tuple of ModelCost
        In the order of the table's columns.

    Raises
    ------
    ParameterError
        If there is none, or two have the same name.
    """

    models: tuple[ModelCost, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", tuple(self.models))
        names = [model.name for model in self.models]
        if not names or len(set(names)) < len(names):
            raise ParameterError(f"models: got {names}; expected at least one, names all different")

    def rows(self) -> list[Row]:
        """Return one row per quantity that any model has."""
        rows = [
            Row(name, label, tuple(getattr(model, name) for model in self.models))
            for name, label in QUANTITIES.items()
        ]
        return [row for row in rows if any(value is not None for value in row.values)]

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return plain numbers by model, for JSON.

        Returns
        -------
        dict
            ``{model: {quantity: number or None, ..., "kind": ..., "marks": {quantity: mark},
            "units": {...}, "sources": {...}, "energy": {...} or None}}`` with the quantities of
            `QUANTITIES`; ``energy`` gives the estimate's bounds and terms.
        """
        return {model.name: _as_dict(model) for model in self.models}

    def ratios(self, baseline: str) -> dict[str, dict[str, float | None]]:
        """Divide every cost by that of one model.

        Parameters
        ----------
        baseline : str
            Name of the model to divide by.

        Returns
        -------
        dict
            ``{model: {quantity: ratio}}``: 0.1 means a tenth of the baseline. None where a number
            is missing or the baseline's is 0. Besides the quantities, without those that are
            shares, there is ``operations_per_inference``: MACs and synaptic events together.

        Raises
        ------
        ParameterError
            If there is no such model.
        """
        by_name = {model.name: _costs(model) for model in self.models}
        if baseline not in by_name:
            raise ParameterError(
                f"baseline: got {baseline!r}; allowed is {', '.join(map(repr, by_name))}"
            )
        base = by_name[baseline]
        return {
            name: {quantity: _ratio(value, base[quantity]) for quantity, value in costs.items()}
            for name, costs in by_name.items()
        }


def format_marked(quantity: str, number: Marked | None) -> str:
    """Write a number for a table, with its mark, e.g. ``"97.2 % (measured)"``."""
    if number is None:
        return "-"
    if quantity in _SHARES:
        text = f"{100 * number.value:.2f} %"
    elif number.unit == "J":
        factor, prefix = next(
            (pair for pair in _PREFIXES if number.value >= pair[0]), _PREFIXES[-1]
        )
        text = f"{number.value / factor:.3g} {prefix}J"
    else:
        # small averages keep their decimals
        digits = f"{number.value:.3g}" if abs(number.value) < 100 else f"{round(number.value):,}"
        text = digits if number.unit == "1" else f"{digits} {number.unit}"
    return f"{text} ({number.mark})"


def _as_dict(model: ModelCost) -> dict[str, Any]:
    numbers: dict[str, Marked | None] = {name: getattr(model, name) for name in QUANTITIES}
    known = {name: number for name, number in numbers.items() if number is not None}
    return {
        "kind": model.kind,
        **{name: None if number is None else number.value for name, number in numbers.items()},
        "marks": {name: number.mark for name, number in known.items()},
        "units": {name: number.unit for name, number in known.items()},
        "sources": {name: number.source for name, number in known.items()},
        "energy": None if model.energy is None else _energy_dict(model.energy),
    }


def _energy_dict(energy: EnergyEstimate) -> dict[str, Any]:
    return {
        "chip": energy.chip,
        "table": energy.table,
        "title": energy.title,
        "low_joule": energy.low_joule,
        "high_joule": energy.high_joule,
        "terms": [
            {
                "operation": term.operation,
                "count": term.count,
                "low_joule": term.low_joule,
                "high_joule": term.high_joule,
                "source": term.source,
            }
            for term in energy.terms
        ],
    }


def _costs(model: ModelCost) -> dict[str, float | None]:
    costs: dict[str, float | None] = {}
    for name in QUANTITIES:
        if name not in _SHARES:
            number: Marked | None = getattr(model, name)
            costs[name] = None if number is None else number.value
    costs["operations_per_inference"] = (
        model.macs_per_inference.value + model.synaptic_events_per_inference.value
    )
    return costs


def _ratio(value: float | None, base: float | None) -> float | None:
    return None if value is None or not base else value / base
