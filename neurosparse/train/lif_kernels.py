"""LIF over all steps at once, forward and backward (numba).

Arrays are neuron-major, ``(n, n_steps, batch)``; the batch is the SIMD dimension. The forward pass
has the arithmetic and order of ``simulate``'s float engine, so spikes are the same.

Oracle: ``tests/train/test_lif.py`` (unrolled torch).
"""

from __future__ import annotations

import numba
import numpy as np

from neurosparse.jit import kernel_parallel


@kernel_parallel
def lif_forward(arriving, keep_u, keep_v, vth, bias, v_reset, subtract, spikes, membrane):
    """Write spikes and the membrane before reset; ``keep`` is 1 minus the decay."""
    n_steps, batch = arriving.shape[1:]
    for i in numba.prange(arriving.shape[0]):
        u = np.zeros(batch, arriving.dtype)
        v = np.zeros(batch, arriving.dtype)
        for t in range(n_steps):
            for b in range(batch):
                u[b] = u[b] * keep_u + arriving[i, t, b]
                x = v[b] * keep_v[i] + u[b] + bias[i]
                membrane[i, t, b] = x
                fired = x > vth[i]
                spikes[i, t, b] = fired
                after = x - vth[i] if subtract else v_reset[i]
                v[b] = after if fired else x


@kernel_parallel
def lif_backward(grad, slope, spikes, keep_u, keep_v, subtract, out):
    """Write the gradient of what arrives; the reset is not differentiated.

    ``g_v[t] = g_s[t] slope[t] + keep_v g_v[t+1] (1 - s[t])`` (the factor is 1 when the reset
    subtracts), ``g_u[t] = g_v[t] + keep_u g_u[t+1]``.
    """
    n_steps, batch = grad.shape[1:]
    for i in numba.prange(grad.shape[0]):
        g_v = np.zeros(batch, grad.dtype)
        g_u = np.zeros(batch, grad.dtype)
        for t in range(n_steps - 1, -1, -1):
            for b in range(batch):
                kept = keep_v[i] * g_v[b]
                if not subtract and spikes[i, t, b] > 0:
                    kept = grad.dtype.type(0)
                g_v[b] = grad[i, t, b] * slope[i, t, b] + kept
                g_u[b] = g_v[b] + keep_u * g_u[b]
                out[i, t, b] = g_u[b]
