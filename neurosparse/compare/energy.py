"""Energy estimates: counted operations times published prices."""

from __future__ import annotations

from os import PathLike

from neurosparse.compare.cost import EnergyEstimate, EnergyTerm, ModelCost
from neurosparse.hardware import Chip, Operation, load_chip

__all__ = ["estimate_energy"]

_UPDATES: tuple[Operation, ...] = ("neuron_update_inactive", "neuron_update_active")


def estimate_energy(
    cost: ModelCost, chip: Chip | str | PathLike[str], table: str | None = None
) -> EnergyEstimate:
    """Estimate the energy of one inference from what was counted.

    Per operation that occurs (multiply-accumulates, synaptic events, neuron updates)::

        energy = sum over operations of count x price

    Parameters
    ----------
    cost : ModelCost
        What was counted.
    chip : Chip, str or path
        Whose prices: ``"cmos-45nm"`` for ANN and SNN on equal terms, ``"loihi1"`` for SNNs,
        or one of your own.
    table : str, optional
        Which of its tables of costs. Default: the chip's.

    Returns
    -------
    EnergyEstimate
        With every term; where a price is known within bounds only, so is the energy.

    Raises
    ------
    ParameterError
        If the chip or table is unknown or has no price for an operation that occurs.

    Notes
    -----
    Memory traffic beyond what a price contains, control, leakage and input and output are left out.
    Neuron updates are priced at every step, whether or not anything arrived, as clock-driven
    hardware pays for them; the custom of counting accumulates alone flatters an SNN, and can be had
    from the term ``synaptic_event``. Which updates are active is not counted: their price lies
    between all inactive and all active. What firing and messages between cores cost is in
    `neurosparse.hardware.predict_cost`, for a network placed on cores.
    """
    described = chip if isinstance(chip, Chip) else load_chip(chip)
    prices = described.table(table)
    counts: dict[str, tuple[float, tuple[Operation, ...]]] = {
        "mac": (cost.macs_per_inference.value, ("mac",)),
        "synaptic_event": (cost.synaptic_events_per_inference.value, ("synaptic_event",)),
        "neuron_update": (cost.neuron_updates_per_inference.value, _UPDATES),
    }
    terms = []
    for name, (count, operations) in counts.items():
        if count == 0:
            continue
        low, high = prices.price(*operations)
        source = low.source if low.source == high.source else f"{low.source}; {high.source}"
        terms.append(EnergyTerm(name, count, count * low.si, count * high.si, source))
    title = f"{described.title} ({prices.title})"
    return EnergyEstimate(described.name, prices.name, title, tuple(terms))
