"""A step costs memory of the active synapses, whatever the size of the matrix."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from neurosparse.sparsify import Context, FixedSigns, Scheme, deep_r, deep_r_global
from tests.sparsify.layers import check_layer, make_layer, move

N_ACTIVE = 400_000
BYTES_PER_SYNAPSE = 20  # measured: 12, where every third is exchanged


@pytest.mark.parametrize("recipe", [deep_r, deep_r_global])
@pytest.mark.parametrize("side", [20_000, 100_000])
def test_a_step_allocates_nothing_of_the_size_of_the_matrix(
    recipe: Callable[..., Scheme], side: int
) -> None:
    rng = np.random.default_rng(5)
    layer = make_layer(side, side, N_ACTIVE, rng)
    layer.weights[::3] *= -1
    scheme = recipe(l1=0.01, temperature=0.001, signs=FixedSigns())
    tracemalloc.start()
    try:
        (rewiring,) = scheme.step([layer], Context(0, rng))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rewiring is not None
    assert rewiring.n_dropped > N_ACTIVE / 4
    after = move(layer, rewiring)
    assert after.n_active == N_ACTIVE
    check_layer(after)
    assert peak < BYTES_PER_SYNAPSE * N_ACTIVE
    # not even one bit per potential synapse
    assert peak < layer.n_potential / 8 or side < 100_000
