"""SparseLinear against dense torch, its memory, its state dict, its error messages."""

from __future__ import annotations

import copy
import re
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from neurosparse.errors import NeurosparseError, ParameterError, ShapeError, TopologyError
from neurosparse.network import Synapses
from neurosparse.train import SparseLinear
from neurosparse.train.sparse_linear_kernels import gather_rows, sampled_outer, scatter_rows
from tests.strategies.exact import synapses
from tests.train.agreement import TOLERANCE, assert_same_state, dense_of

DTYPES = [torch.float32, torch.float64]


@st.composite
def sparse_layers(draw: st.DrawFn) -> SparseLinear:
    """Draw layers from one synapse to all, rows and columns without any among them."""
    n_pre, n_post = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    layer = SparseLinear(
        n_pre,
        n_post,
        n_active=draw(st.integers(1, n_pre * n_post)),
        bias=draw(st.booleans()),
        rng=draw(st.integers(0, 2**31)),
    )
    if layer.bias is not None:
        nn.init.normal_(layer.bias, generator=torch.Generator().manual_seed(1))
    return layer


@given(
    sparse_layers(),
    st.sampled_from([(), (5,), (2, 3), (2, 1, 3), (0,), (3, 0)]),
    st.sampled_from(DTYPES),
    st.booleans(),
)
def test_forward_and_gradients_are_those_of_a_dense_layer(
    layer: SparseLinear, leading: tuple[int, ...], dtype: torch.dtype, neuron_major: bool
) -> None:
    layer = layer.to(dtype)
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(*leading, layer.in_features, dtype=dtype, generator=generator)
    if neuron_major and leading:
        x = x.movedim(-1, 0).contiguous().movedim(0, -1)
    seen = torch.randn(*leading, layer.out_features, dtype=dtype, generator=generator)
    dense = dense_of(layer).requires_grad_()
    bias = None if layer.bias is None else layer.bias.detach().clone().requires_grad_()
    x_sparse, x_dense = x.clone().requires_grad_(), x.clone().requires_grad_()
    out, expected = layer(x_sparse), nn.functional.linear(x_dense, dense, bias)
    assert out.shape == expected.shape
    assert out.dtype == dtype
    (out * seen).sum().backward()
    (expected * seen).sum().backward()
    rtol, atol = TOLERANCE[dtype]
    torch.testing.assert_close(out, expected, rtol=rtol, atol=atol)
    torch.testing.assert_close(x_sparse.grad, x_dense.grad, rtol=rtol, atol=atol)
    assert dense.grad is not None
    active = dense.grad.reshape(-1)[torch.from_numpy(layer.keys())]
    torch.testing.assert_close(layer.weight.grad, active, rtol=rtol, atol=atol)
    if bias is not None:
        torch.testing.assert_close(layer.bias.grad, bias.grad, rtol=rtol, atol=atol)


@pytest.mark.parametrize("bias", [False, True])
def test_gradcheck(bias: bool) -> None:
    layer = SparseLinear(6, 5, n_active=11, bias=bias, rng=2).double()
    x = torch.randn(2, 3, 6, dtype=torch.float64, requires_grad=True)

    def product(x: torch.Tensor, *parameters: torch.Tensor) -> Any:
        named = dict(zip(dict(layer.named_parameters()), parameters, strict=True))
        return torch.func.functional_call(layer, named, (x,))

    assert torch.autograd.gradcheck(product, (x, *layer.parameters()))


def test_kernels_agree_with_their_plain_python() -> None:
    layer = SparseLinear(7, 6, n_active=19, rng=0)
    rng = np.random.default_rng(0)
    x, grad = rng.normal(size=(7, 5)), rng.normal(size=(6, 5))
    indptr, indices = layer.indptr.numpy(), layer.indices.numpy()
    weights = layer.weight.detach().numpy().astype(np.float64)
    results: list[list[Any]] = []
    for plain in (False, True):
        gather = gather_rows.py_func if plain else gather_rows
        outer = sampled_outer.py_func if plain else sampled_outer
        scatter = scatter_rows.py_func if plain else scatter_rows
        out, sums, back = np.empty((6, 5)), np.empty(19), np.empty((7, 5))
        gather(indptr, indices, weights, x, out)
        outer(indptr, indices, x, grad, sums)
        scatter(indptr, indices, weights, grad, back)
        results.append([out, back, sums])
    for compiled, plain_result in zip(results[0][:-1], results[1][:-1], strict=True):
        np.testing.assert_array_equal(compiled, plain_result)
    np.testing.assert_allclose(results[0][-1], results[1][-1], rtol=1e-12)  # reassociated


def test_only_what_is_asked_for_gets_a_gradient() -> None:
    layer = SparseLinear(6, 5, n_active=11, rng=2)
    x = torch.ones(2, 6)
    layer(x).sum().backward()
    assert layer.weight.grad is not None
    layer.weight.requires_grad_(False)
    x.requires_grad_()
    layer(x).sum().backward()
    assert x.grad is not None
    with torch.no_grad():
        assert not layer(x).requires_grad


def test_a_chain_of_layers_never_transposes() -> None:
    """Outputs are views of neuron-major memory, and such memory is taken as it is."""
    layer = SparseLinear(6, 5, n_active=11, rng=2)
    major = torch.rand(6, 4, 3)
    x = major.movedim(0, -1)
    flat = x.movedim(-1, 0).reshape(6, -1)
    assert flat.data_ptr() == major.data_ptr()
    out = layer(x)
    assert out.shape == (4, 3, 5)
    assert out.movedim(-1, 0).is_contiguous()


@pytest.mark.parametrize("bias", [False, True])
def test_memory_follows_the_active_synapses(bias: bool) -> None:
    """20,000 x 20,000 at 0.1 %: forward and backward in a thirtieth of the dense matrix."""
    tracemalloc.start()
    try:
        layer = SparseLinear(20_000, 20_000, density=0.001, bias=bias, rng=0)
        x = torch.rand(4, 20_000, requires_grad=True)
        layer(x).sum().backward()  # compiles; a tracing run then measures torch as well
        _, peak_numpy = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    with torch.profiler.profile(profile_memory=True) as profile:
        layer(x).sum().backward()
    taken = sum(max(0, event.self_cpu_memory_usage) for event in profile.key_averages())
    assert layer.n_active == 400_000
    assert layer.weight.grad is not None
    assert taken < 50_000_000  # all allocations together; a bitmap would take as much
    assert peak_numpy < 50_000_000 + 50_000_000  # with the compiler's own


def test_a_matrix_of_10_to_the_12() -> None:
    layer = SparseLinear(1_000_000, 1_000_000, n_active=1000, rng=0)
    assert layer.keys().max() > 2**33
    assert layer(torch.ones(1, 1_000_000)).count_nonzero() > 900


@given(synapses())
def test_synapses_there_and_back(given_synapses: Synapses) -> None:
    layer = SparseLinear.from_synapses(given_synapses)
    back = layer.to_synapses()
    np.testing.assert_array_equal(back.indptr, given_synapses.indptr)
    np.testing.assert_array_equal(back.indices, given_synapses.indices)
    np.testing.assert_array_equal(back.weights, given_synapses.weights)
    x = torch.rand(3, layer.in_features)
    torch.testing.assert_close(layer(x), x @ dense_of(layer).T)


def test_to_synapses_is_a_copy() -> None:
    layer = SparseLinear(6, 5, n_active=11, rng=2)
    copied = layer.to_synapses()
    before = copied.weights.copy()
    with torch.no_grad():
        layer.weight += 1
    np.testing.assert_array_equal(copied.weights, before)


def test_delays_are_refused() -> None:
    delayed = Synapses.from_edges([0], [0], 1.0, n_pre=1, n_post=1, delays=[2])
    with pytest.raises(ParameterError, match="synapses: have delays of their own"):
        SparseLinear.from_synapses(delayed)


def test_multapses_are_refused_until_they_are_merged() -> None:
    twice = Synapses.from_edges([0, 0], [0, 0], 1.0, n_pre=1, n_post=1, multapses=True)
    with pytest.raises(TopologyError, match=r"synapses: holds multapses .*Synapses\.merged\(\)"):
        SparseLinear.from_synapses(twice)
    assert SparseLinear.from_synapses(twice.merged()).weight.tolist() == [2.0]


@pytest.mark.parametrize("n_active", [11, 7, 30], ids=["same size", "fewer", "all"])
def test_state_dict_carries_the_topology(n_active: int) -> None:
    one = SparseLinear(6, 5, n_active=11, bias=True, rng=2)
    other = SparseLinear(6, 5, n_active=n_active, bias=True, rng=3)
    x = torch.rand(4, 6)
    other(x.requires_grad_()).sum().backward()  # fills what depends on the topology
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    assert_same_state(one.state_dict(), other.state_dict())
    gradients = []
    for layer in (one, other):
        x.grad = None
        layer(x).sum().backward()
        assert x.grad is not None
        gradients.append(x.grad.clone())
    assert torch.equal(one(x), other(x))
    assert torch.equal(*gradients)
    # two layers with one state, not one state shared by two layers
    with torch.no_grad():
        one.weight += 1
        one.signs *= -1
    assert not torch.equal(one.weight, other.weight)
    assert not torch.equal(one.signs, other.signs)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("indices", lambda v: v + 6, "indices: .* entries outside 0..5"),
        ("indptr", lambda v: v.flip(0), "indptr: must start at 0"),
        ("weight", lambda v: v * torch.nan, "weights: 11 of 11 entries are not finite"),
        ("weight", lambda v: v[:-1], r"weights: got shape \(10,\); expected \(11,\)"),
        ("signs", lambda v: v[:-1], "signs: not as many as weights"),
    ],
)
def test_a_broken_state_dict_harms_nothing(name: str, change: Any, message: str) -> None:
    layer = SparseLinear(6, 5, n_active=11, rng=2)
    before = copy.deepcopy(layer.state_dict())
    broken = copy.deepcopy(layer.state_dict())
    broken[name] = change(broken[name])
    with pytest.raises(NeurosparseError, match=message):
        layer.load_state_dict(broken)
    assert_same_state(layer.state_dict(), before)


def test_deepcopy() -> None:
    layer = SparseLinear(6, 5, n_active=11, rng=2)
    twin = copy.deepcopy(layer)
    assert_same_state(layer.state_dict(), twin.state_dict())
    x = torch.rand(3, 6)
    assert torch.equal(layer(x), twin(x))


def test_same_seed_same_layer() -> None:
    states = [SparseLinear(9, 8, density=0.3, rng=seed).state_dict() for seed in (4, 4, 5)]
    assert_same_state(states[0], states[1])
    assert not torch.equal(states[0]["weight"], states[2]["weight"])


def test_first_weights_have_the_stated_scale() -> None:
    layer = SparseLinear(1000, 100, density=0.1, gain=2.0, rng=0)
    assert layer.weight.std().item() == pytest.approx(2 / np.sqrt(100), rel=0.05)
    assert torch.equal(torch.sign(layer.weight).to(torch.int8), layer.signs)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"density": 0}, "density: got 0; allowed is 0 < value <= 1"),
    ({"density": 1.5}, "density: got 1.5; allowed is 0 < value <= 1"),
    ({"density": -0.1}, "density: got -0.1; allowed is 0 < value <= 1"),
    ({"density": float("nan")}, "density: got nan; allowed is 0 < value <= 1"),
    ({"density": "much"}, "density: got 'much'; allowed is 0 < value <= 1"),
    ({"n_active": 31}, "n_active: got 31; allowed is a whole number, 1 to 30"),
    ({"n_active": 0}, "n_active: got 0; allowed is a whole number, 1 to 30"),
    ({"n_active": 2.0}, "n_active: got 2.0; allowed is a whole number, 1 to 30"),
    ({}, "density, n_active: give exactly one of them"),
    ({"density": 0.5, "n_active": 3}, "density, n_active: give exactly one of them"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: str(value)[:30])
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        SparseLinear(6, 5, **arguments)


def test_bad_sizes() -> None:
    with pytest.raises(ParameterError, match="in_features: got 0; allowed is a whole number >= 1"):
        SparseLinear(0, 5, density=0.5)
    with pytest.raises(ParameterError, match="out_features: got -1"):
        SparseLinear(5, -1, density=0.5)


def test_bad_input() -> None:
    layer = SparseLinear(6, 5, n_active=11)
    with pytest.raises(ShapeError, match=re.escape("x: got shape (2, 5); expected (..., 6)")):
        layer(torch.ones(2, 5))
    with pytest.raises(ShapeError, match=re.escape("x: got shape (); expected (..., 6)")):
        layer(torch.tensor(1.0))
    # cast to the integers of a raster, the weights would be cut to nothing
    with pytest.raises(ShapeError, match=r"x: got torch\.uint8; expected float32 or float64"):
        layer(torch.ones(2, 6, dtype=torch.uint8))
