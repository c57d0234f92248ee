"""Parameters of integer neurons, bit for bit those of Lava's ``fixed_pt`` models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count
from neurosparse.network.neurons import LIF, Parameters, check_range

__all__ = ["FixedPointLIF", "FixedPointTernaryLIF", "IntOrVector", "IntegerNeuron", "Neuron"]

IntOrVector = int | NDArray[np.int64]

# Widths of lava-nc 0.10.0's LIF (lava/proc/lif/process.py); Loihi's are the same.
DECAY_MAX = 4095
VTH_MAX = 131071
BIAS_MANT_MIN, BIAS_MANT_MAX = -4096, 4095
BIAS_EXP_MAX = 7
REFRACTORY_MAX = 62  # Loihi's refractDelay counts from 1 (none) to 63


class _Integer(Parameters):
    """What the kinds share: one receptor, decays and bias."""

    def _check_dynamics(self) -> None:
        for name, most in (("du", DECAY_MAX), ("dv", DECAY_MAX), ("bias_exp", BIAS_EXP_MAX)):
            object.__setattr__(self, name, check_count(name, getattr(self, name), most=most))
        _fix_integers(self, "bias_mant", BIAS_MANT_MIN, BIAS_MANT_MAX)

    @property
    def n_receptors(self) -> int:
        """Number of receptors (Lava's LIF has one)."""
        return 1


@dataclass(frozen=True, eq=False)
class FixedPointLIF(_Integer):
    """Integer LIF, bit for bit the one of Lava's ``fixed_pt`` models.

    One step, with int64 arithmetic (``a[t]`` is the sum of integer weights that arrive)::

        u[t] = sign(u) ((|u| (4096 - du - 1)) >> 12) + (a[t] << 6)     wraps at +-2^23
        v[t] = sign(v) ((|v| (4096 - dv)) >> 12) + u[t] + (bias_mant << bias_exp)
                                                                 clipped to +-(2^23 - 1)
        s[t] = v[t] > (vth << 6), strictly;  on a spike v[t] = 0

    Parameters
    ----------
    du, dv : int
        Decays, 0 to 4095 (12 bit).
    vth : int or (n,) int64
        Threshold in weight units, 0 to 131071 (17 bit).
    bias_mant : int or (n,) int64
        Bias mantissa, -4096 to 4095 (13 bit).
    bias_exp : int
        Bias exponent, 0 to 7. Bias 1 with exponent 6 equals one weight unit.
    refractory : int [steps]
        Steps after a spike in which ``v`` is held at 0, 0 to 62; ``u`` goes on integrating. It is
        Loihi's ``refractDelay`` minus 1. Lava has no fixed-point model of it.

    Raises
    ------
    ParameterError
        If a value lies outside its range.

    References
    ----------
    lava-nc 0.10.0, ``lava.proc.lif.models.PyLifModelBitAcc``.
    """

    du: int = 4095
    dv: int = 0
    vth: IntOrVector = 1
    bias_mant: IntOrVector = 0
    bias_exp: int = 0
    refractory: int = 0

    def __post_init__(self) -> None:
        self._check_dynamics()
        _fix_integers(self, "vth", 0, VTH_MAX)
        refractory = check_count("refractory", self.refractory, most=REFRACTORY_MAX)
        object.__setattr__(self, "refractory", refractory)


@dataclass(frozen=True, eq=False)
class FixedPointTernaryLIF(_Integer):
    """Integer LIF with a threshold on either side, bit for bit Lava's TernaryLIF.

    As `FixedPointLIF`, but ``s = +1`` if ``v > (vth_hi << 6)`` and ``s = -1`` if
    ``v < (vth_lo << 6)``; on either ``v = 0``. A projection that sends no messages
    (`SynapseFormat.num_message_bits` of 0) transmits both signs alike, as Lava's does.

    Parameters
    ----------
    du, dv : int
        Decays, 0 to 4095 (12 bit).
    vth_lo, vth_hi : int or (n,) int64
        Thresholds in weight units, -131071 to 131071, ``vth_lo <= vth_hi``.
    bias_mant : int or (n,) int64
        Bias mantissa, -4096 to 4095 (13 bit).
    bias_exp : int
        Bias exponent, 0 to 7.

    Raises
    ------
    ParameterError
        If a value lies outside its range.

    References
    ----------
    lava-nc 0.10.0, ``lava.proc.lif.models.PyTernLifModelFixed``.
    """

    du: int = 4095
    dv: int = 0
    vth_lo: IntOrVector = -1
    vth_hi: IntOrVector = 1
    bias_mant: IntOrVector = 0
    bias_exp: int = 0

    def __post_init__(self) -> None:
        self._check_dynamics()
        for name in ("vth_lo", "vth_hi"):
            _fix_integers(self, name, -VTH_MAX, VTH_MAX)
        sizes = {np.shape(value) for value in (self.vth_lo, self.vth_hi)} - {()}
        if len(sizes) < 2 and np.any(np.asarray(self.vth_lo) > np.asarray(self.vth_hi)):
            raise ParameterError(f"vth_lo: got {self.vth_lo}; allowed is <= vth_hi={self.vth_hi}")


def _fix_integers(neuron: Any, name: str, low: int, high: int) -> None:
    given = np.asarray(getattr(neuron, name))
    if given.dtype.kind not in "iu" or given.ndim > 1:
        raise ParameterError(
            f"{name}: got {getattr(neuron, name)!r}; expected a whole number or a vector"
        )
    check_range(name, given, low, high, f"{low} to {high}")
    vector = np.array(given, dtype=np.int64)
    vector.setflags(write=False)
    object.__setattr__(neuron, name, int(vector) if vector.ndim == 0 else vector)


IntegerNeuron = FixedPointLIF | FixedPointTernaryLIF
Neuron = LIF | FixedPointLIF | FixedPointTernaryLIF
