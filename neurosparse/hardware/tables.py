"""Tables of costs: what one operation takes in energy and in time, by one publication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from neurosparse.errors import ParameterError
from neurosparse.hardware.quantity import Quantity

__all__ = ["Bounds", "CostTable", "Operation"]

Operation = Literal[
    "mac",  # a multiply-accumulate of an ANN
    "synaptic_event",  # a spike crosses a synapse
    "neuron_update_inactive",  # a neuron, a step in which nothing happens to it
    "neuron_update_active",  # a neuron, a step in which something does
    "spike_out",  # a neuron fires
    "message_out",  # a spike leaves for one core
    "message_in",  # a spike is taken in by a core
    "hop",  # a message passes from a tile to the next
    "barrier",  # all cores agree that a step is over
]

Bounds = tuple[Quantity, Quantity]


@dataclass(frozen=True)
class CostTable:
    """What operations cost, as one publication states it.

    Parameters
    ----------
    name, title : str
        Short name, and one for tables and figures.
    notes : str
        What the numbers leave out.
    energy, time : mapping of str to Quantity
        The publication's entries, by name.
    prices : mapping of operation to tuple of str
        The entries that answer for an operation. Where there are several, its cost lies between
        the least and the greatest of them.
    """

    name: str
    title: str
    notes: str = ""
    energy: Mapping[str, Quantity] = field(default_factory=dict)
    time: Mapping[str, Quantity] = field(default_factory=dict)
    prices: Mapping[Operation, tuple[str, ...]] = field(default_factory=dict)

    def energy_of(self, *operations: Operation) -> Bounds | None:
        """Return the energies that bound an operation, None if the table states none.

        Parameters
        ----------
        *operations : Operation
            One, or several of which it is not known which one occurs.
        """
        return self._bounds(operations, self.energy)

    def time_of(self, *operations: Operation) -> Bounds | None:
        """Return the times that bound an operation, None if the table states none.

        Parameters
        ----------
        *operations : Operation
            One, or several of which it is not known which one occurs.
        """
        return self._bounds(operations, self.time)

    def price(self, *operations: Operation) -> Bounds:
        """Return the energies that bound an operation.

        Parameters
        ----------
        *operations : Operation
            As of `energy_of`.

        Raises
        ------
        ParameterError
            If the table states none.
        """
        bounds = self.energy_of(*operations)
        if bounds is None:
            priced = ", ".join(name for name in self.prices if self.energy_of(name)) or "none"
            raise ParameterError(
                f"price: table {self.name} has none for {' or '.join(map(repr, operations))}; "
                f"there are {priced}"
            )
        return bounds

    def _bounds(
        self, operations: tuple[Operation, ...], entries: Mapping[str, Quantity]
    ) -> Bounds | None:
        found: list[Quantity] = []
        for operation in operations:
            stated = [entries[name] for name in self.prices.get(operation, ()) if name in entries]
            if not stated:
                return None
            found += stated
        return min(found, key=lambda entry: entry.si), max(found, key=lambda entry: entry.si)
