"""What becomes of the weights of a NetX file in Lava's simulation.

lava-dl 0.6.0 (``lava.lib.dl.netx.utils.optimize_weight_bits``) clips the weights of a layer to
[-256, 254] where both signs are there, shifts them left as far as 8 bits allow, ``weights << s``,
and makes up for it by ``weight_exp = -s``; ``num_weight_bits`` is what the shifted weights need. It
does not pass its sign mode on, so Lava guesses one for each matrix from its weights, clips again
and cuts off the bits that ``num_weight_bits`` does not count
(``lava.utils.weightutils.{clip,truncate}_weights``). The result here is the same; weights that it
changes are counted. Almost all pass unchanged, above all those of lava-dl's own training, which are
even.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import SignMode, SynapseFormat
from neurosparse.network.synapse_format import WEIGHT_BITS_MAX, WEIGHT_EXP_MIN

__all__ = ["Stored", "store_weights"]

Matrix = NDArray[np.int64]


class Stored(NamedTuple):
    """Weights as a projection keeps them; 0 is no synapse."""

    weights: Matrix
    format: SynapseFormat
    part: str = ""  # "exc" or "inh" where a matrix takes two projections


def store_weights(
    where: str,
    given: Sequence[NDArray[Any]],
    problems: list[str],
    changes: list[str],
    *,
    num_message_bits: int = 0,
) -> list[list[Stored]]:
    """Return the weights of a layer's matrices as Lava's simulation uses them.

    Parameters
    ----------
    where : str
        For messages: "layer 3".
    given : sequence of (n_post, n_pre) arrays
        That share exponent and bits: weights and, of dense_rec, recurrent weights.
    problems, changes : list of str
        Take up what cannot be represented, and what was changed.
    num_message_bits : int
        Of the formats made.

    Returns
    -------
    list of list of Stored
        For each matrix one, or two where odd weights of both signs take 9 bits, which Lava's
        simulation gives them and the chip does not have: one for either sign, which is the same.
    """
    integers = [np.trunc(matrix).astype(np.int64) for matrix in given]
    joint = np.concatenate([matrix.ravel() for matrix in integers])
    if not joint.any():
        return [[] for _ in given]
    high, low = int(joint.max()), int(joint.min())
    if low < 0 < high:
        joint = np.clip(joint, -256, 254)
        integers = [np.clip(matrix, -256, 254) for matrix in integers]
        high, low = int(joint.max()), int(joint.min())
    mixed = low < 0 <= high
    shift = _shift(high, low, mixed)
    if shift < 0:
        problems.append(
            f"{where}: weights from {low} to {high}; allowed are -256 to 0, 0 to 255, or -256 to "
            "254"
        )
        return [[] for _ in given]
    bits = WEIGHT_BITS_MAX - shift - (_trailing_zeros(joint) - mixed)
    made, n_changed = [], 0
    for before, matrix in zip(given, integers, strict=True):
        mode = _guess(matrix)
        kept = _as_lava(matrix << shift, mode, bits)
        n_changed += int((kept != before * 2**shift).sum())
        made.append(_fit(where, kept, -shift, mode, num_message_bits, problems))
    if n_changed:
        total = sum(matrix.size for matrix in given)
        changes.append(
            f"{where}: {n_changed} of {total} weights are not what the file says, as in Lava, "
            "which clips them or cuts bits off"
        )
    return made


def _shift(high: int, low: int, mixed: bool) -> int:
    """Return by how many bits weights can be shifted left."""
    if mixed:
        scale = min(127 / high if high else math.inf, -128 / low)
    else:
        scale = -256 / low if high < 0 else 255 / high
    return math.floor(math.log2(scale)) + mixed


def _trailing_zeros(values: Matrix) -> int:
    return next((n for n in range(8, 0, -1) if not (values % 2**n).any()), 0)


def _guess(matrix: Matrix) -> SignMode:
    """Return what Lava guesses where no sign mode is passed."""
    if matrix.min() >= 0:
        return "excitatory"
    return "inhibitory" if matrix.max() <= 0 else "mixed"


def _as_lava(matrix: Matrix, mode: SignMode, bits: int) -> Matrix:
    """Return shifted weights as clipped and cut off by Lava.

    Odd weights of 9 bits whose signs netx and Lava see differently (all negative but for a 0; one
    of two matrices of one sign) have -1 bits to cut off, and numpy makes 0 of such a shift.
    """
    sign = -1 if mode == "inhibitory" else 1
    cut = WEIGHT_BITS_MAX - bits + (mode == "mixed")
    if cut < 0:
        return np.zeros_like(matrix)
    clipped = np.clip(sign * matrix, -256 if mode == "mixed" else 0, 255)
    return sign * ((clipped >> cut) << cut)


def _fit(
    where: str,
    matrix: Matrix,
    exponent: int,
    mode: SignMode,
    num_message_bits: int,
    problems: list[str],
) -> list[Stored]:
    """Return the weights in the narrowest format that holds them."""
    while exponent < WEIGHT_EXP_MIN:  # weights of 0 and -1: shifted by 8, cut to multiples of 128
        matrix, exponent = matrix >> 1, exponent + 1
    for bits in range(1, WEIGHT_BITS_MAX + 1):
        narrow = SynapseFormat(mode, bits, exponent, num_message_bits=num_message_bits)
        if narrow.grid.holds(matrix):
            return [Stored(matrix, narrow)] if matrix.any() else []
    if matrix.min() < -255:
        problems.append(
            f"{where}: weights of -256 beside odd ones take 9 bits; allowed is -255, or even ones"
        )
        return []
    halves: tuple[tuple[Matrix, SignMode, str], ...] = (
        (np.maximum(matrix, 0), "excitatory", "exc"),
        (np.minimum(matrix, 0), "inhibitory", "inh"),
    )
    return [
        Stored(half, SynapseFormat(sign, 8, exponent, num_message_bits=num_message_bits), part)
        for half, sign, part in halves
    ]
