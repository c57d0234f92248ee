"""Chips on a board, or boards in a system."""

from __future__ import annotations

from dataclasses import dataclass

from neurosparse.hardware.chip import Chip
from neurosparse.hardware.quantity import Quantity

__all__ = ["Board"]


@dataclass(frozen=True)
class Board:
    """A board or system: so many of one chip.

    Parameters
    ----------
    name, title : str
        Short name, and one for tables and figures.
    chip : Chip
        What stands on it.
    n_chips : Quantity [1]
        How many.
    cores_per_chip : Quantity [1], optional
        Cores in use of each chip, where a source says so; else the chip's own limit holds.
    arrangement : str
        How the chips are arranged, in words; may be empty.
    notes : str
        What else is known.
    """

    name: str
    title: str
    chip: Chip
    n_chips: Quantity
    cores_per_chip: Quantity | None = None
    arrangement: str = ""
    notes: str = ""

    @property
    def n_cores(self) -> int:
        """Cores of all chips together."""
        cores = self.cores_per_chip or self.chip.limit("cores")
        return int(self.n_chips.value) * int(cores.value)
