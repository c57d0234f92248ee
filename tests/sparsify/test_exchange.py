"""Exchanges against dictionaries: what goes, what comes, and that all arrays follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from neurosparse.errors import ShapeError, TopologyError
from neurosparse.sparsify import LayerView, moving_kernels
from neurosparse.sparsify import exchange_kernels as kernels
from neurosparse.sparsify.exchange import PARALLEL_FROM, Rewiring, exchange
from tests.sparsify.layers import check_layer, layers, make_layer, move
from tests.sparsify.reference import exchanged

DTYPES = ["i1", "u1", "i2", "i4", "f4", "f8"]

Case = tuple[LayerView, NDArray[np.int64], NDArray[np.int64], NDArray[np.int8]]


@st.composite
def cases(draw: st.DrawFn, *, same_number: bool = False) -> Case:
    """Draw a layer, positions to drop and keys to grow, from none to all of either."""
    layer = draw(layers())
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    n_active = layer.n_active
    dropped = np.flatnonzero(rng.random(n_active) < draw(st.sampled_from([0, 0.1, 0.5, 1])))
    free = np.setdiff1d(np.arange(layer.n_potential), np.delete(layer.keys, dropped))
    n_grow = dropped.size if same_number else draw(st.integers(0, free.size))
    born = np.sort(rng.permutation(free)[:n_grow])
    return layer, dropped, born, rng.choice(np.array([-1, 1], dtype=np.int8), n_grow)


def by_key(layer: LayerView, values: NDArray[Any]) -> list[tuple[int, float]]:
    return list(zip(layer.keys.tolist(), values.tolist(), strict=True))


def address(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)


@given(cases())
def test_an_exchange_is_that_of_a_dictionary(case: Case) -> None:
    layer, dropped, born, signs = case
    rewiring = exchange(layer, dropped, born, signs)
    after = move(layer, rewiring)
    after.weights = np.abs(after.weights) * after.signs  # across or not is the drop rule's business
    check_layer(after)
    gone = layer.keys[dropped].tolist()
    for values, newborn in (
        (layer.signs, signs),
        (np.arange(layer.n_active), np.full(born.size, -1)),
    ):
        expected = exchanged(
            dict(by_key(layer, values)), gone, dict(zip(born.tolist(), newborn, strict=True))
        )
        assert by_key(after, rewiring.moved(values, newborn)) == expected
    assert rewiring.n_dropped == dropped.size
    assert rewiring.n_grown == born.size
    assert rewiring.n_after == after.n_active
    np.testing.assert_array_equal(after.keys[rewiring.places], born)
    np.testing.assert_array_equal(rewiring.origin[rewiring.places], -1)


@given(cases(same_number=True), st.data())
def test_in_place_arrays_become_what_copies_become(case: Case, data: st.DataObject) -> None:
    layer, dropped, born, signs = case
    rewiring = exchange(layer, dropped, born, signs)
    names = data.draw(st.lists(st.sampled_from(DTYPES), max_size=4))
    margin = 3  # nothing beside the arrays may change
    held = [np.arange(1, layer.n_active + 2 * margin + 1).astype(name) for name in names]
    arrays = [array[margin : margin + layer.n_active] for array in held]
    expected = [rewiring.moved(array, 0) for array in arrays]
    beside = [(array[:margin].copy(), array[-margin:].copy()) for array in held]
    rewiring.move_at(
        np.array([address(array) for array in arrays], dtype=np.int64),
        np.array([array.itemsize for array in arrays], dtype=np.int64),
    )
    for array, wanted in zip(arrays, expected, strict=True):
        np.testing.assert_array_equal(array, wanted)
    for array, (left, right) in zip(held, beside, strict=True):
        np.testing.assert_array_equal(array[:margin], left)
        np.testing.assert_array_equal(array[-margin:], right)


@given(cases(same_number=True))
def test_a_layer_in_place(case: Case) -> None:
    layer, dropped, born, signs = case
    rewiring = exchange(layer, dropped, born, signs)
    expected = move(layer, rewiring)
    rewiring.move_at(
        np.array([address(layer.indices), address(layer.signs)]),
        np.array([layer.indices.itemsize, layer.signs.itemsize]),
    )
    rewiring.settle(layer)
    np.testing.assert_array_equal(layer.keys, expected.keys)
    np.testing.assert_array_equal(layer.signs, expected.signs)


def plain(kernel: Any) -> Any:
    return getattr(kernel, "py_func", kernel)


@given(cases())
def test_kernels_agree_with_their_plain_python(case: Case) -> None:
    layer, dropped, born, signs = case
    rewirings, moved = [], []
    compiled = (kernels.place_newborns, moving_kernels.copy_moved)
    for place_newborns, copy_moved in (compiled, [plain(kernel) for kernel in compiled]):
        places, columns = np.empty_like(born), np.empty(born.size, dtype=np.int32)
        indptr = np.empty_like(layer.indptr)
        status = place_newborns(
            layer.indptr, layer.indices, layer.n_columns, dropped, born, places, columns, indptr
        )
        assert status == kernels.FINE
        rewiring = Rewiring(layer.n_active, dropped, places, born, columns, signs, indptr)
        source = np.arange(1, layer.n_active + 1, dtype=np.int16)
        target = np.empty(rewiring.n_after, dtype=np.int16)
        copy_moved(
            np.array([address(source)]),
            np.array([address(target)]),
            np.array([2]),
            rewiring.n_before,
            rewiring.n_after,
            dropped,
            places,
        )
        rewirings.append(rewiring)
        moved.append(target)
    np.testing.assert_array_equal(moved[0], moved[1])
    for name in ("places", "columns", "indptr"):
        one, two = (getattr(rewiring, name) for rewiring in rewirings)
        np.testing.assert_array_equal(one, two)


@given(cases(same_number=True), st.data())
def test_parts_beside_each_other_move_as_one(case: Case, data: st.DataObject) -> None:
    """However they are cut: empty parts, and moves across several of them, are among the cases."""
    layer, dropped, born, signs = case
    rewiring = exchange(layer, dropped, born, signs)
    n = layer.n_active
    inner = data.draw(st.lists(st.integers(0, n), max_size=4).map(sorted))
    bounds = np.array([0, *inner, n])
    for move_in_place in (moving_kernels.move_parallel, plain(moving_kernels.move_serial)):
        arrays = [np.arange(1, n + 1).astype(name) for name in ("i1", "f8")]
        expected = [rewiring.moved(array, 0) for array in arrays]
        places = np.array([address(array) for array in arrays])
        move_in_place(places, np.array([1, 8]), n, dropped, rewiring.places, bounds)
        for array, wanted in zip(arrays, expected, strict=True):
            np.testing.assert_array_equal(array, wanted)


@pytest.mark.parametrize("n_active", [PARALLEL_FROM - 1, PARALLEL_FROM + 1])
def test_large_layers_in_place(n_active: int) -> None:
    rng = np.random.default_rng(0)
    layer = make_layer(300, 400, n_active, rng)
    dropped = np.flatnonzero(rng.random(n_active) < 0.02)
    free = np.setdiff1d(np.arange(layer.n_potential), layer.keys)
    born = np.sort(rng.permutation(free)[: dropped.size])
    rewiring = exchange(layer, dropped, born, np.ones(born.size, dtype=np.int8))
    values = rng.random(n_active)
    expected = rewiring.moved(values, 0)
    rewiring.move_at(np.array([address(values)]), np.array([8]))
    np.testing.assert_array_equal(values, expected)


def test_read_only_and_constant_arrays_are_moved_too() -> None:
    layer = make_layer(4, 5, 8, np.random.default_rng(0))
    born = np.setdiff1d(np.arange(20), layer.keys)[:2]
    rewiring = exchange(layer, np.array([3, 7]), born, np.ones(2, dtype=np.int8))
    values = np.arange(8.0)
    values.setflags(write=False)
    expected = [i if i >= 0 else 9 for i in rewiring.origin]
    np.testing.assert_array_equal(rewiring.moved(values, 9), expected)
    newborn = iter([1, 2])
    expected = [3 if i >= 0 else next(newborn) for i in rewiring.origin]
    constant = np.broadcast_to(np.int16(3), 8)
    np.testing.assert_array_equal(rewiring.moved(constant, np.array([1, 2])), expected)


@pytest.mark.parametrize("born", [[3, 3], [5, 4], [-1], [20], [2**40]])
def test_keys_out_of_order(born: list[int]) -> None:
    layer = make_layer(4, 5, 0, np.random.default_rng(0))
    signs = np.ones(len(born), dtype=np.int8)
    with pytest.raises(TopologyError, match=r"born: keys must ascend, .* within 0\.\.19"):
        exchange(layer, np.zeros(0, dtype=np.int64), np.array(born), signs)


@given(layers(), st.data())
def test_keys_that_are_taken(layer: LayerView, data: st.DataObject) -> None:
    if layer.n_active == 0:
        return
    place = data.draw(st.integers(0, layer.n_active - 1))
    one = np.ones(1, dtype=np.int8)
    others = np.delete(np.arange(layer.n_active), place)
    with pytest.raises(TopologyError, match="born: a key stands among the surviving synapses"):
        exchange(layer, others, layer.keys[[place]], one)
    rewiring = exchange(layer, np.array([place]), layer.keys[[place]], one)  # its own again
    np.testing.assert_array_equal(rewiring.places, [place])


def test_a_sign_for_every_key() -> None:
    layer = make_layer(4, 5, 0, np.random.default_rng(0))
    with pytest.raises(ShapeError, match="born_signs: got 1 for 2 newborn synapses"):
        exchange(layer, np.zeros(0, np.int64), np.array([1, 2]), np.ones(1, dtype=np.int8))
