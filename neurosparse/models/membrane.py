"""Membranes given by differential equations, mapped exactly onto the discrete LIF."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosparse.errors import ParameterError
from neurosparse.network import LIF

__all__ = ["ExactMembrane", "steps_of"]


def steps_of(duration_ms: float, dt_ms: float) -> int:
    """Return the number of steps nearest to a duration.

    Raises
    ------
    ParameterError
        If the step is not positive and finite.
    """
    if not 0 < dt_ms < math.inf:
        raise ParameterError(f"dt_ms: got {dt_ms}; allowed is > 0 ms, finite")
    return round(duration_ms / dt_ms)


@dataclass(frozen=True)
class ExactMembrane:
    r"""Leaky integrate-and-fire membrane with exponential synapses in continuous time.

    ::

        tau_m dV/dt   = -(V - V_rest) + V_drive + sum_r g_r
        tau_r dg_r/dt = -g_r                      g_r jumps by w when a spike arrives

    Parameters
    ----------
    tau_mem_ms : float [ms]
        Membrane time constant.
    tau_syn_ms : tuple of float or None [ms]
        Time constant of every receptor; None makes a delta synapse, whose spikes make ``V`` jump.
    dt_ms : float [ms]
        Grid on which spikes are sent and received.
    v_rest_mv, v_reset_mv, v_th_mv : float [mV]
        Resting and reset potential and threshold; reset below threshold.
    refractory : int [steps]
        Steps after that of a spike in which ``V`` stays at the reset potential.
    drive_mv : float [mV]
        Constant input; what it would add to ``V`` in the long run.

    Raises
    ------
    ParameterError
        If a time is not positive and finite, or what `LIF` raises.

    Notes
    -----
    The solution over one step ``h`` is (Rotter & Diesmann 1999), with
    ``y = V - V_rest - V_drive``::

        y[t] = P_m y[t-1] + sum_r c_r g_r[t-1]          P_m = exp(-h / tau_m)
        g_r[t] = P_r g_r[t-1] + w_r[t]                  P_r = exp(-h / tau_r)
        c_r = tau_r / (tau_r - tau_m) (P_r - P_m)       (h / tau_m) P_m  if tau_r = tau_m

    where ``w_r[t]`` are the jumps at grid point ``t``. What jumps at ``t`` moves the membrane at
    ``t + 1`` for the first time. The discrete neuron, ``u[t] = (1 - du) u[t-1] + a[t]`` and
    ``v[t] = (1 - dv) v[t-1] + sum u[t] + bias``, is the same with ``1 - du = P_r``,
    ``1 - dv = P_m`` and

    - ``u_r[t] = c_r g_r[t-1]``: weights are multiplied by ``c_r`` (`gains`) and **arrive one step
      later**, ``a_r[t] = c_r w_r[t-1]``. A delay of ``d`` steps from threshold crossing to jump is
      ``Projection(delay=d + 1)``. Simulators that let spikes of a step arrive without delay in the
      same step, after the threshold (Brian2), have ``d = 0``; NEST has ``d >= 1``.
    - ``v = V - V_reset``: 0 after a spike, and a threshold ``V_th - V_reset > 0`` whatever the
      resting potential is. Then ``bias = (1 - P_m) (V_rest + V_drive - V_reset)``.

    A delta synapse has ``du = 1`` and gain 1, and its jump counts in the same step, before the
    threshold, as in NEST's ``iaf_psc_delta``: there ``Projection(delay=d)``.

    ``V`` reaches the threshold exactly with probability 0, so that ``>`` here and ``>=`` in NEST
    agree.

    References
    ----------
    Rotter & Diesmann 1999, Biol Cybern 81:381, doi:10.1007/s004220050570.

    Examples
    --------
    >>> membrane = ExactMembrane(
    ...     10.0, (0.5,), 0.1, v_rest_mv=-65.0, v_reset_mv=-65.0, v_th_mv=-50.0
    ... )
    >>> membrane.neuron.vth, round(membrane.gains[0], 6)
    (15.0, 0.009017)
    """

    tau_mem_ms: float
    tau_syn_ms: tuple[float | None, ...]
    dt_ms: float
    v_rest_mv: float
    v_reset_mv: float
    v_th_mv: float
    refractory: int = 0
    drive_mv: float = 0.0

    def __post_init__(self) -> None:
        times = [("tau_mem_ms", self.tau_mem_ms), ("dt_ms", self.dt_ms)]
        times += [("tau_syn_ms", tau) for tau in self.tau_syn_ms if tau is not None]
        for name, value in times:
            if not 0 < value < math.inf:
                raise ParameterError(f"{name}: got {value}; allowed is > 0 ms, finite")

    @property
    def neuron(self) -> LIF:
        """The discrete neuron."""
        above_reset = self.v_rest_mv + self.drive_mv - self.v_reset_mv
        dv = -math.expm1(-self.dt_ms / self.tau_mem_ms)
        taus = self.tau_syn_ms
        return LIF(
            du=tuple(1.0 if tau is None else -math.expm1(-self.dt_ms / tau) for tau in taus),
            dv=dv,
            vth=self.v_th_mv - self.v_reset_mv,
            bias=dv * above_reset,
            v_reset=0.0,
            refractory=self.refractory,
        )

    @property
    def gains(self) -> tuple[float, ...]:
        """Per receptor: weight of the discrete neuron per mV of jump [1]."""
        return tuple(1.0 if tau is None else self._gain(tau) for tau in self.tau_syn_ms)

    def _gain(self, tau_syn_ms: float) -> float:
        # tau_r / (tau_r - tau_m) (P_r - P_m), written so that equal time constants are no exception
        h, tau_m = self.dt_ms, self.tau_mem_ms
        x = h / tau_m - h / tau_syn_ms
        return h / tau_m * math.exp(-h / tau_m) * (math.expm1(x) / x if x else 1.0)

    def above_reset(self, v_mv: Any) -> Any:
        """Return membrane potentials [mV] as the discrete neuron counts them."""
        return np.asarray(v_mv) - self.v_reset_mv
