"""Parameters of float neurons, in Lava's convention."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network.checks import check_count, check_finite

__all__ = ["LIF", "FloatOrVector", "Parameters", "check_range"]

FloatOrVector = float | NDArray[np.float64]


def _float_or_vector(name: str, value: Any) -> FloatOrVector:
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ParameterError(f"{name}: got {value!r}; expected a number or a vector") from None
    if array.ndim > 1:
        raise ShapeError(f"{name}: got shape {array.shape}; expected a number or a vector")
    check_finite(name, array)
    if array.ndim == 0:
        return float(array)
    array.setflags(write=False)
    return array


def check_range(name: str, value: Any, low: float, high: float, allowed: str) -> None:
    """Raise unless all of ``value`` lies in ``[low, high]``."""
    array = np.atleast_1d(np.asarray(value))
    bad = (array < low) | (array > high)
    if bad.any():
        raise ParameterError(f"{name}: got {array[bad][0]}; allowed is {allowed}")


class Parameters:
    """Equality, size and expansion shared by the neuron kinds (their fields may be vectors)."""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, field.name), getattr(other, field.name))
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
        )

    __hash__ = None  # type: ignore[assignment]

    def check_size(self, name: str, size: int) -> None:
        """Raise if a per-neuron vector does not have ``size`` entries.

        Raises
        ------
        ShapeError
            Naming the population and the parameter.
        """
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray) and value.shape != (size,):
                raise ShapeError(
                    f"population {name!r}: {field.name} has {value.size} entries; "
                    f"expected one number or {size}"
                )


@dataclass(frozen=True, eq=False)
class LIF(Parameters):
    r"""Leaky integrate-and-fire neuron with exponential synapses, discrete time.

    One step, in this order (``a[t]`` is what arrives, ``r`` numbers the receptors)::

        u_r[t] = (1 - du_r) u_r[t-1] + a_r[t]
        v[t]   = (1 - dv) v[t-1] + sum_r u_r[t] + bias      unless refractory: v is held
        s[t]   = v[t] > vth                                 strictly; never while refractory
        spike:   v[t] = v_reset          (reset="zero")
                 v[t] = v[t] - vth       (reset="subtract")
                 and the neuron is refractory for the next ``refractory`` steps

    Parameters
    ----------
    du : float or tuple of float [1]
        Decay of the synaptic current per step, one number per receptor, in ``[0, 1]``. 1 means
        no synaptic filter.
    dv : float or (n,) float64 [1]
        Decay of the membrane per step, in ``[0, 1]``.
    vth : float or (n,) float64
        Threshold, in the unit of the weights; > 0.
    bias : float or (n,) float64
        Added to ``v`` in every step.
    v_reset : float or (n,) float64
        Value after a spike when ``reset="zero"``; below ``vth``.
    refractory : int [steps]
        Steps after a spike in which ``v`` is held; ``u`` goes on integrating.
    reset : {"zero", "subtract"}
        Reset rule.

    Raises
    ------
    ParameterError
        If a value lies outside its range or is not finite.

    References
    ----------
    lava-nc 0.10.0, ``lava.proc.lif.models.PyLifModelFloat`` (dynamics, strict threshold) and
    ``PyLifRefractoryModelFloat`` (refractory rule).

    Examples
    --------
    >>> LIF(du=0.5, dv=0.1, vth=1.0).n_receptors
    1
    """

    du: float | tuple[float, ...] = 1.0
    dv: FloatOrVector = 0.1
    vth: FloatOrVector = 1.0
    bias: FloatOrVector = 0.0
    v_reset: FloatOrVector = 0.0
    refractory: int = 0
    reset: Literal["zero", "subtract"] = "zero"

    def __post_init__(self) -> None:
        fix = object.__setattr__
        decays = tuple(np.atleast_1d(_float_or_vector("du", self.du)).tolist())
        if not decays:
            raise ParameterError("du: got no receptor; expected one number or a tuple of them")
        check_range("du", decays, 0, 1, "0 to 1")
        fix(self, "du", decays if len(decays) > 1 else decays[0])
        for name in ("dv", "vth", "bias", "v_reset"):
            fix(self, name, _float_or_vector(name, getattr(self, name)))
        check_range("dv", self.dv, 0, 1, "0 to 1")
        if np.any(np.asarray(self.vth) <= 0):
            raise ParameterError(f"vth: got {np.min(self.vth)}; allowed is > 0")
        sizes = {np.shape(value) for value in (self.v_reset, self.vth)} - {()}
        if len(sizes) < 2 and np.any(np.asarray(self.v_reset) >= np.asarray(self.vth)):
            raise ParameterError(f"v_reset: got {self.v_reset}; it must lie below vth={self.vth}")
        fix(self, "refractory", check_count("refractory", self.refractory))
        if self.reset not in ("zero", "subtract"):
            raise ParameterError(f"reset: got {self.reset!r}; allowed is 'zero' or 'subtract'")

    @property
    def decays_u(self) -> tuple[float, ...]:
        """``du`` of every receptor."""
        return self.du if isinstance(self.du, tuple) else (self.du,)

    @property
    def n_receptors(self) -> int:
        """Number of receptors."""
        return len(self.decays_u)

    @classmethod
    def from_time_constants(
        cls,
        tau_mem_ms: float,
        tau_syn_ms: float | tuple[float, ...] | None = None,
        dt_ms: float = 1.0,
        *,
        v_th_mv: float = 1.0,
        v_reset_mv: float = 0.0,
        refractory_ms: float = 0.0,
        reset: Literal["zero", "subtract"] = "zero",
    ) -> LIF:
        r"""Make a LIF from time constants, with exact decay over one step.

        ``d = 1 - exp(-dt / tau)``; voltages are relative to rest. Note that a synaptic current
        ``u`` enters ``v`` unscaled: a weight is the jump of ``u``, in mV per step.

        Parameters
        ----------
        tau_mem_ms : float [ms]
            Membrane time constant, > 0; ``inf`` gives no leak.
        tau_syn_ms : float or tuple of float, optional [ms]
            Synaptic time constant of every receptor; none means no synaptic filter.
        dt_ms : float [ms]
            Length of a step, > 0.
        v_th_mv, v_reset_mv : float [mV]
            Threshold and reset value above rest.
        refractory_ms : float [ms]
            Refractory time; rounded to steps.
        reset : {"zero", "subtract"}
            Reset rule.

        Returns
        -------
        LIF
            Parameters in steps.

        Raises
        ------
        ParameterError
            If a time is not positive (or negative, for ``refractory_ms``).

        Examples
        --------
        >>> round(LIF.from_time_constants(20.0, 5.0, dt_ms=1.0).dv, 4)
        0.0488
        """

        def decay(name: str, tau_ms: float) -> float:
            if not tau_ms > 0:
                raise ParameterError(f"{name}: got {tau_ms}; allowed is > 0 ms")
            return -math.expm1(-dt_ms / tau_ms)

        if not 0 < dt_ms < math.inf:
            raise ParameterError(f"dt_ms: got {dt_ms}; allowed is > 0 ms, finite")
        if not 0 <= refractory_ms < math.inf:
            raise ParameterError(f"refractory_ms: got {refractory_ms}; allowed is >= 0 ms, finite")
        taus = tau_syn_ms if isinstance(tau_syn_ms, tuple | list) else (tau_syn_ms,)
        return cls(
            du=tuple(1.0 if tau is None else decay("tau_syn_ms", tau) for tau in taus),
            dv=decay("tau_mem_ms", tau_mem_ms),
            vth=v_th_mv,
            v_reset=v_reset_mv,
            refractory=round(refractory_ms / dt_ms),
            reset=reset,
        )
