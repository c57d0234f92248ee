"""How the integer weights of a projection are stored and added up, in Lava and on the chip.

Lava clips weights to a range and then cuts low bits off, depending on sign mode and number of bits
(lava-nc 0.10.0, ``lava.utils.weightutils``). Weights that already lie on the resulting grid pass
unchanged; here all do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count

__all__ = ["Grid", "SignMode", "SynapseFormat", "choose_sign_mode"]

SignMode = Literal["mixed", "excitatory", "inhibitory"]
Shift = Literal["sum", "synapse"]

WEIGHT_BITS_MAX = 8
WEIGHT_EXP_MIN, WEIGHT_EXP_MAX = -7, 7
MESSAGE_BITS_MAX = 24


class Grid(NamedTuple):
    """Multiples of ``step`` from ``low`` to ``high``."""

    low: int
    high: int
    step: int

    def largest_scale(self, weights: NDArray[Any]) -> float:
        """Return the largest factor that keeps ``weights`` within the grid's range."""
        largest, least = float(weights.max(initial=0)), float(weights.min(initial=0))
        scale = np.inf
        if largest > 0:
            scale = min(scale, self.high / largest)
        if least < 0:
            scale = min(scale, self.low / least)
        return scale

    def round(self, values: NDArray[Any], *, keep_small: bool = False) -> NDArray[np.int16]:
        """Round to the nearest grid point; ``keep_small`` lets nothing but 0 become 0."""
        points: NDArray[Any] = np.rint(np.asarray(values, dtype=np.float64) / self.step) * self.step
        if keep_small:
            points = np.where(points == 0, np.sign(values) * self.step, points)
        points = np.clip(points, self.low, self.high)
        return points.astype(np.int16)

    def holds(self, weights: NDArray[Any]) -> bool:
        """Whether every weight is a grid point."""
        inside = (weights >= self.low) & (weights <= self.high) & (weights % self.step == 0)
        return bool(inside.all())


@dataclass(frozen=True)
class SynapseFormat:
    """How the integer weights of a projection are stored and added up.

    Parameters
    ----------
    sign_mode : {"mixed", "excitatory", "inhibitory"}
        Which signs weights have; with mixed ones the sign costs the lowest bit.
    num_weight_bits : int
        1 to 8. Weights keep their scale of 8 bits, in steps of ``2^(8 - num_weight_bits)``, twice
        that if mixed.
    weight_exp : int
        -7 to 7: what a synapse adds is its weight times ``2^weight_exp``.
    shift : {"sum", "synapse"}
        Which sum is rounded where the exponent is negative. "sum", as in Lava's simulation: that of
        all weights that arrive over the projection with one delay, toward minus infinity.
        "synapse", as on the chip, where ``u`` has 6 bits more than weights: none down to an
        exponent of -6, each weight below.
    num_message_bits : int
        0: spikes, whatever their value. 1 to 24: their value multiplies the weight (graded
        spikes).

    Raises
    ------
    ParameterError
        If a value lies outside its range.

    References
    ----------
    lava-nc 0.10.0, ``lava.proc.sparse.models.PySparseModelBitAcc``; nengo-loihi, ``discretize.py``
    (shift per synapse).
    """

    sign_mode: SignMode = "mixed"
    num_weight_bits: int = 8
    weight_exp: int = 0
    shift: Shift = "sum"
    num_message_bits: int = 0

    def __post_init__(self) -> None:
        if self.sign_mode not in get_args(SignMode):
            raise ParameterError(
                f"sign_mode: got {self.sign_mode!r}; allowed is 'mixed', 'excitatory' or "
                "'inhibitory'"
            )
        if self.shift not in get_args(Shift):
            raise ParameterError(f"shift: got {self.shift!r}; allowed is 'sum' or 'synapse'")
        for name, least, most in (
            ("num_weight_bits", 1, WEIGHT_BITS_MAX),
            ("weight_exp", WEIGHT_EXP_MIN, WEIGHT_EXP_MAX),
            ("num_message_bits", 0, MESSAGE_BITS_MAX),
        ):
            value = check_count(name, getattr(self, name), least=least, most=most)
            object.__setattr__(self, name, value)

    @property
    def grid(self) -> Grid:
        """The weights that can be stored.

        Examples
        --------
        >>> SynapseFormat().grid
        Grid(low=-256, high=254, step=2)
        >>> SynapseFormat("excitatory", num_weight_bits=4).grid
        Grid(low=0, high=240, step=16)
        """
        mixed = self.sign_mode == "mixed"
        step = 1 << (WEIGHT_BITS_MAX - self.num_weight_bits + mixed)
        return {
            "mixed": Grid(-256, 256 - step, step),
            "excitatory": Grid(0, 256 - step, step),
            "inhibitory": Grid(step - 256, 0, step),
        }[self.sign_mode]


def choose_sign_mode(
    weights: NDArray[Any], among: Iterable[SignMode] = get_args(SignMode)
) -> SignMode | None:
    """Return the first sign mode whose 8-bit grid holds the integer ``weights``, or None."""
    return next((mode for mode in among if SynapseFormat(mode).grid.holds(weights)), None)
