"""The membrane's differential equation, solved numerically between grid points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from neurosparse.models import ExactMembrane


def solve(
    membrane: ExactMembrane, jumps: NDArray[np.float64], v_start_mv: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Integrate ``V`` over the grid.

    Parameters
    ----------
    membrane : ExactMembrane
        Its parameters are used, none of its derived quantities.
    jumps : (n_steps, n_receptors) float64 [mV]
        What is added to every ``g`` (``V`` for a delta synapse) at a grid point: to ``g`` after
        the membrane was looked at, to ``V`` before.
    v_start_mv : float [mV]
        At the grid point before the first.

    Returns
    -------
    v_mv : (n_steps,) float64
        After the reset.
    fired : (n_steps,) bool
    """
    taus = np.array([np.inf if tau is None else tau for tau in membrane.tau_syn_ms])
    target = membrane.v_rest_mv + membrane.drive_mv

    def slope(_: float, y: NDArray[np.float64]) -> NDArray[np.float64]:
        dv = (-(y[0] - target) + y[1:].sum()) / membrane.tau_mem_ms
        return np.concatenate(([dv], -y[1:] / taus))

    y = np.zeros(1 + taus.size)
    y[0] = v_start_mv
    held = 0
    v_mv, fired = np.zeros(len(jumps)), np.zeros(len(jumps), dtype=bool)
    for step, jump in enumerate(jumps):
        before = y[0]
        y = solve_ivp(slope, (0, membrane.dt_ms), y, method="DOP853", rtol=1e-12, atol=1e-12).y[
            :, -1
        ]
        if held:
            held -= 1
            y[0] = before
        else:
            y[0] += jump[np.isinf(taus)].sum()
            if y[0] > membrane.v_th_mv:
                fired[step] = True
                y[0] = membrane.v_reset_mv
                held = membrane.refractory
        y[1:] += np.where(np.isinf(taus), 0.0, jump)
        v_mv[step] = y[0]
    return v_mv, fired
