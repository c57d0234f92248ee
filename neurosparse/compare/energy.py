"""Energy estimates: counted operations times published prices."""

from __future__ import annotations

from os import PathLike

from neurosparse.compare.cost import EnergyEstimate, EnergyTerm, ModelCost
from neurosparse.hardware import Chip, Operation, load_chip

__all__ = ["estimate_energy"]


def estimate_energy(cost: ModelCost, chip: Chip | str | PathLike[str]) -> EnergyEstimate:
    """Estimate the energy of one inference from what was counted.

    Per operation that occurs (multiply-accumulates, synaptic events, neuron updates)::

        energy = sum over operations of count x price

    Parameters
    ----------
    cost : ModelCost
        What was counted.
    chip : Chip, str or path
        Price list: ``"cmos-45nm"`` for ANN and SNN on equal terms, ``"loihi1"`` for SNNs,
        or one of your own.

    Returns
    -------
    EnergyEstimate
        With every term; where a price is known within bounds only, so is the energy.

    Raises
    ------
    ParameterError
        If the chip is unknown or has no price for an operation that occurs.

    Notes
    -----
    Memory traffic beyond what a price contains, control, leakage and input and output are left out.
    Neuron updates are priced at every step, whether or not anything arrived, as clock-driven
    hardware pays for them; the custom of counting accumulates alone flatters an SNN, and can be had
    from the term ``synaptic_event``.
    """
    prices = chip if isinstance(chip, Chip) else load_chip(chip)
    counts: dict[Operation, float] = {
        "mac": cost.macs_per_inference.value,
        "synaptic_event": cost.synaptic_events_per_inference.value,
        "neuron_update": cost.neuron_updates_per_inference.value,
    }
    terms = []
    for operation, count in counts.items():
        if count == 0:
            continue
        low, high = prices.price(operation)
        source = low.source if low == high else f"{low.source}; {high.source}"
        terms.append(EnergyTerm(operation, count, count * low.si, count * high.si, source))
    return EnergyEstimate(prices.name, prices.title, tuple(terms))
