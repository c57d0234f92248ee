"""What a model costs, each number with a mark that says how it was obtained."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal, get_args

from neurosparse.errors import ParameterError

__all__ = ["EnergyEstimate", "EnergyTerm", "Mark", "Marked", "ModelCost", "ModelKind"]

Mark = Literal["counted", "measured", "estimated"]
ModelKind = Literal["ann", "snn"]


@dataclass(frozen=True)
class Marked:
    """A number that says how it was obtained.

    Parameters
    ----------
    value : float or int
        Finite.
    mark : {"counted", "measured", "estimated"}
        Counted: exact, from the model or from its run. Measured: an average over a test set.
        Estimated: from a price list.
    unit : str
        ``"1"`` for a bare number.
    source : str
        What was counted or measured, or where the prices come from.

    Raises
    ------
    ParameterError
        If the value is not finite or the mark unknown.
    """

    value: float | int
    mark: Mark
    unit: str = "1"
    source: str = ""

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ParameterError(f"value: got {self.value!r}; allowed is a finite number")
        if self.mark not in get_args(Mark):
            raise ParameterError(f"mark: got {self.mark!r}; allowed is {', '.join(get_args(Mark))}")


@dataclass(frozen=True)
class EnergyTerm:
    """One kind of operation in an estimate.

    Parameters
    ----------
    operation : str
        What was counted.
    count : float
        Operations per inference.
    low_joule, high_joule : float [J]
        Price of all of them, bounds.
    source : str
        Where the prices come from.
    """

    operation: str
    count: float
    low_joule: float
    high_joule: float
    source: str


@dataclass(frozen=True)
class EnergyEstimate:
    """Energy of one inference by a chip's table of costs; always an estimate.

    Parameters
    ----------
    chip, table : str
        Their names.
    title : str
        Of the chip, with the publication.
    terms : tuple of EnergyTerm
        What the total consists of.
    """

    chip: str
    table: str
    title: str
    terms: tuple[EnergyTerm, ...]

    @property
    def low_joule(self) -> float:
        """Lower bound [J]."""
        return math.fsum(term.low_joule for term in self.terms)

    @property
    def high_joule(self) -> float:
        """Upper bound [J]; the one that tables show."""
        return math.fsum(term.high_joule for term in self.terms)


@dataclass(frozen=True)
class ModelCost:
    """What one model costs per inference over one test set.

    Parameters
    ----------
    name : str
        Key in reports, for example ``sparse_snn``.
    kind : {"ann", "snn"}
        Kind of model.
    accuracy : Marked or None
        Share of the test samples that are right, if the model was tried on them.
    synapses, potential_synapses : Marked
        Connections that exist, and pairs between the connected layers.
    connection_sparsity : Marked
        Share of the pairs between connected layers that no synapse connects.
    activity_sparsity : Marked or None
        SNN: share of the neurons' steps without a spike. ANN: share of zeros among the
        activations of its hidden neurons, if it was given.
    input_sparsity : Marked or None
        The same of the spike sources.
    synaptic_events_per_inference : Marked
        Spikes times fan-out.
    neuron_updates_per_inference : Marked
        Neurons times steps.
    macs_per_inference : Marked
        Multiply-accumulates.
    parameter_bytes : Marked [B]
        See `count_snn` and `count_ann`.
    energy : EnergyEstimate, optional
        See `estimate_energy`.

    Raises
    ------
    ParameterError
        If the name is empty or the kind unknown.
    """

    name: str
    kind: ModelKind
    accuracy: Marked | None
    synapses: Marked
    potential_synapses: Marked
    connection_sparsity: Marked
    activity_sparsity: Marked | None
    input_sparsity: Marked | None
    synaptic_events_per_inference: Marked
    neuron_updates_per_inference: Marked
    macs_per_inference: Marked
    parameter_bytes: Marked
    energy: EnergyEstimate | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise ParameterError("name: got none; expected text, not empty")
        if self.kind not in get_args(ModelKind):
            raise ParameterError(f"kind: got {self.kind!r}; allowed is 'ann' or 'snn'")

    @property
    def energy_joule(self) -> Marked | None:
        """Upper bound of the estimate [J], if one was made."""
        if self.energy is None:
            return None
        return Marked(self.energy.high_joule, "estimated", "J", self.energy.title)

    def with_energy(self, energy: EnergyEstimate) -> ModelCost:
        """Return the same cost with an energy estimate."""
        return dataclasses.replace(self, energy=energy)
