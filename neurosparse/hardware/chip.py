"""What is known of a chip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from neurosparse.errors import ParameterError
from neurosparse.hardware.check import limit_problems
from neurosparse.hardware.encoding import SynapseEncoding
from neurosparse.hardware.limits import LIMITS
from neurosparse.hardware.quantity import Confidence, Quantity
from neurosparse.hardware.tables import CostTable

__all__ = ["Chip"]


@dataclass(frozen=True)
class Chip:
    """What is known of a chip.

    Parameters
    ----------
    name, title : str
        Short name, and one for tables and figures.
    notes : str
        What the numbers leave out.
    limits : mapping of str to Quantity
        By name; the names that exist, with their meaning, are in `LIMITS`.
    encoding : SynapseEncoding, optional
        How synapses are stored, where it is known.
    tables : mapping of str to CostTable
        By name, each one publication's costs.
    default_table : str, optional
        The one to use unless another is named.
    """

    name: str
    title: str
    notes: str = ""
    limits: Mapping[str, Quantity] = field(default_factory=dict)
    encoding: SynapseEncoding | None = None
    tables: Mapping[str, CostTable] = field(default_factory=dict)
    default_table: str | None = None

    def limit(self, name: str) -> Quantity:
        """Return a limit.

        Raises
        ------
        ParameterError
            If there is no limit of that name, or the chip's description does not state it.
        """
        quantity = self.limit_or_none(name)
        if quantity is None:
            raise ParameterError(
                f"limit: {self.name} states no {name!r}; it states "
                f"{', '.join(self.limits) or 'none'}"
            )
        return quantity

    def limit_or_none(self, name: str) -> Quantity | None:
        """Return a limit, None where the chip's description does not state it.

        Raises
        ------
        ParameterError
            If there is no limit of that name.
        """
        if name not in LIMITS:
            raise ParameterError(f"limit: got {name!r}; there are {', '.join(LIMITS)}")
        return self.limits.get(name)

    def with_limit(
        self, name: str, value: int, *, source: str, confidence: Confidence = "low"
    ) -> Chip:
        """Return the chip with one limit stated otherwise, as where ours is an assumption.

        Parameters
        ----------
        name : str
            One of `LIMITS`.
        value : int
            In the unit of that limit.
        source : str
            Where the number comes from.
        confidence : {"high", "medium", "low"}, optional
            How far to trust it.

        Raises
        ------
        ParameterError
            With everything that is wrong with it, also beside the other limits.
        """
        unit = LIMITS[name].unit if name in LIMITS else "1"
        quantity = Quantity(value, unit, source, confidence)
        limits = {**self.limits, name: quantity}
        problems = limit_problems({key: vars(entry) for key, entry in limits.items()})
        if problems:
            raise ParameterError("; ".join(problems))
        return replace(self, limits=limits)

    def table(self, name: str | None = None) -> CostTable:
        """Return a table of costs, the default one unless another is named.

        Raises
        ------
        ParameterError
            If the chip has none of that name, or none at all.
        """
        chosen = self.default_table if name is None else name
        if chosen is None or chosen not in self.tables:
            raise ParameterError(
                f"table: {self.name} has none called {chosen!r}; there are "
                f"{', '.join(self.tables) or 'none'}"
            )
        return self.tables[chosen]
