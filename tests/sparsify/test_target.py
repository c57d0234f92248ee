"""Numbers of synapses along a curve."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.errors import ParameterError
from neurosparse.sparsify import Target


def layers_of(sizes: list[int]) -> Any:
    """Return layers, of which a target looks at the number of potential synapses alone."""
    return [SimpleNamespace(n_potential=size) for size in sizes]


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=4), st.data(), st.floats(0, 1))
def test_sparsity_is_linear_in_the_curve(sizes: list[int], data: st.DataObject, way: float) -> None:
    final = [data.draw(st.integers(1, size)) for size in sizes]
    counts = Target(final, lambda step: way * step).counts(layers_of(sizes), 1)
    assert counts.dtype == np.int64
    for count, size, left in zip(counts.tolist(), sizes, final, strict=True):
        sparsity = way * (1 - left / size)
        assert abs(count - size * (1 - sparsity)) <= 0.5 + 1e-6
        assert left <= count <= size


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=4), st.floats(1e-9, 1))
def test_a_density_is_that_of_every_layer(sizes: list[int], density: float) -> None:
    layers = layers_of(sizes)
    target = Target(density, lambda step: float(step))
    counts = target.final_counts(layers).tolist()
    for count, size in zip(counts, sizes, strict=True):
        assert 1 <= count <= size
        assert count == 1 or abs(count - density * size) <= 0.5 + 1e-6
    assert target.counts(layers, 1).tolist() == counts
    assert target.counts(layers, 0).tolist() == sizes


def test_ends_are_exact_whatever_the_size() -> None:
    sizes = [3, 266_200, 2**31 * 1000]
    for final in ([1, 3552, 2**31 + 1], [3, 266_200, 2**31 * 1000]):
        target = Target(final, lambda step: float(step))
        assert target.counts(layers_of(sizes), 0).tolist() == sizes
        assert target.counts(layers_of(sizes), 1).tolist() == final


def test_more_than_a_layer_holds_fills_it() -> None:
    target = Target([5, 50], lambda step: 1.0)
    assert target.counts(layers_of([9, 20]), 0).tolist() == [5, 20]


def test_numbers_have_to_fit_the_layers() -> None:
    with pytest.raises(ParameterError, match="final: got 2 numbers for 3 layers"):
        Target([5, 6], lambda step: 1.0).counts(layers_of([9, 9, 9]), 0)


@pytest.mark.parametrize("bad", [0.0, -0.1, 1.1, float("nan"), "many"])
def test_bad_densities(bad: Any) -> None:
    expected = "allowed is"
    with pytest.raises(ParameterError, match=f"final: got .*; {expected}"):
        Target(bad, lambda step: 1.0)


@pytest.mark.parametrize("bad", [0, -3, 1.5])
def test_bad_numbers(bad: Any) -> None:
    with pytest.raises(ParameterError, match=f"final: got {bad}; allowed is a whole number >= 1"):
        Target([4, bad], lambda step: 1.0)
