"""Between the layout of the engine and what comes in and goes out (numba)."""

from __future__ import annotations

from neurosparse.jit import kernel


@kernel
def cut_rows(indptr, post, edges, cuts):
    """Write to ``cuts`` where each part of each row begins; parts begin at ``edges[:-1]``.

    Targets ascend within a row, so a part of a row is one piece: a binary search per cut.
    """
    n_parts = edges.size - 1
    for row in range(indptr.size - 1):
        begin = indptr[row]
        for part in range(n_parts):
            low = begin
            high = indptr[row + 1]
            while low < high:
                middle = (low + high) // 2
                if post[middle] < edges[part]:
                    low = middle + 1
                else:
                    high = middle
            cuts[row * n_parts + part] = low
            begin = low
    cuts[(indptr.size - 1) * n_parts] = indptr[-1]


@kernel
def list_population(starts, spikes, population, first, minus, steps, neurons, signs):
    """List the spikes of one population by step: rows of ``starts``, numbers from ``first`` on.

    Numbers of spikes of sign -1 are higher by ``minus``; ``signs`` is empty where that is 0.
    """
    n = 0
    for step in range(starts.shape[0]):
        for k in range(starts[step, population], starts[step, population + 1]):
            neuron = spikes[k] - first
            steps[n] = step
            if minus > 0:
                is_minus = neuron >= minus
                signs[n] = -1 if is_minus else 1
                neuron -= minus if is_minus else 0
            neurons[n] = neuron
            n += 1
