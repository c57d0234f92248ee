"""MaskedLinear: gradients of a dense layer under a mask, and only what exists is counted."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import LIF
from neurosparse.train import (
    LIFLayer,
    SparseLinear,
    SpikingClassifier,
    SpikingLayer,
    sparse_classifier,
    synaptic_events,
)
from neurosparse.train.masked_linear import MaskedLinear, mask_layers, unmask_layers
from tests.strategies.exact import synapses
from tests.train.agreement import TOLERANCE, assert_same_state, dense_of
from tests.train.test_same_spikes import BATCH, N_STEPS, same, simulated, trained


@st.composite
def masked_layers(draw: st.DrawFn, bias: bool = True) -> MaskedLinear:
    """Draw layers with weights under the mask too."""
    n_pre, n_post = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    layer = MaskedLinear(
        n_pre,
        n_post,
        n_active=draw(st.integers(1, n_pre * n_post)),
        bias=bias and draw(st.booleans()),
        rng=draw(st.integers(0, 2**31)),
    )
    nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(draw(st.integers(0, 9))))
    return layer


def matrices(layer: MaskedLinear) -> tuple[Tensor, Tensor]:
    """Return weights and mask as (n_post, n_pre)."""
    shape = (layer.out_features, layer.in_features)
    return layer.weight.detach().clone().view(shape), layer.mask.view(shape)


@given(masked_layers(), st.sampled_from([torch.float32, torch.float64]), st.integers(0, 5))
def test_the_gradient_is_dense_and_taken_at_the_masked_weights(
    layer: MaskedLinear, dtype: torch.dtype, batch: int
) -> None:
    layer = layer.to(dtype)
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(batch, 2, layer.in_features, dtype=dtype, generator=generator)
    seen = torch.randn(batch, 2, layer.out_features, dtype=dtype, generator=generator)
    weight, mask = matrices(layer)
    effective = (weight * mask).requires_grad_()  # straight-through: its gradient is the weight's
    x_masked, x_dense = x.clone().requires_grad_(), x.clone().requires_grad_()
    out = layer(x_masked)
    expected = nn.functional.linear(x_dense, effective, layer.bias)
    (torch.sin(out) * seen).sum().backward()
    (torch.sin(expected) * seen).sum().backward()
    rtol, atol = TOLERANCE[dtype]
    torch.testing.assert_close(out, expected, rtol=rtol, atol=atol)
    torch.testing.assert_close(x_masked.grad, x_dense.grad, rtol=rtol, atol=atol)
    assert layer.weight.grad is not None
    assert effective.grad is not None
    torch.testing.assert_close(layer.weight.grad, effective.grad.view(-1), rtol=rtol, atol=atol)


def spiking_pair(
    recurrent: bool, checkpoint_steps: int | None = None
) -> tuple[SpikingClassifier, SpikingClassifier]:
    """Return a masked network, and one of full layers whose weights are 0 where it is masked."""
    neuron = LIF(du=0.7, dv=0.1)
    rng = np.random.default_rng(4)
    models = []
    made: list[tuple[SparseLinear, SparseLinear | None]] = []
    for n_pre, n_post in ((12, 15), (15, 8)):
        own = SparseLinear(n_post, n_post, density=0.3, gain=1.5, rng=rng) if recurrent else None
        made.append((SparseLinear(n_pre, n_post, density=0.3, gain=3, rng=rng), own))

    def full(layer: SparseLinear) -> SparseLinear:
        dense = SparseLinear(layer.in_features, layer.out_features, density=1.0)
        dense.weight.data = dense_of(layer).reshape(-1).clone()
        return dense

    for make in (MaskedLinear.from_sparse, full):
        layers = []
        for connection, own in made:
            neurons = LIFLayer(
                connection.out_features,
                neuron,
                recurrent=None if own is None else make(own),
                checkpoint_steps=checkpoint_steps,
            )
            layers.append(SpikingLayer(make(connection), neurons))
        models.append(SpikingClassifier(layers))
    return models[0], models[1]


def some_spikes(width: int = 12) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return (torch.rand(N_STEPS, BATCH, width, generator=generator) < 0.3).float()


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("checkpoint_steps", [None, 4])
def test_spiking_layers_get_the_dense_gradient_too(
    recurrent: bool, checkpoint_steps: int | None
) -> None:
    masked, full = spiking_pair(recurrent, checkpoint_steps)
    noise = torch.Generator().manual_seed(5)
    with torch.no_grad():  # what is masked must not matter
        for layer in masked.modules():
            if isinstance(layer, MaskedLinear):
                layer.weight[~layer.mask] = torch.randn(int((~layer.mask).sum()), generator=noise)
    x = some_spikes()
    for model in (masked, full):
        nn.functional.cross_entropy(model(x), torch.arange(BATCH)).backward()
    assert same(trained(masked, x), trained(full, x))
    assert trained(masked, x)[-1].mean() > 0.02
    pairs = list(zip(masked.parameters(), full.parameters(), strict=True))
    assert len(pairs) == (4 if recurrent else 2)
    for one, two in pairs:
        assert one.grad is not None
        assert one.grad.count_nonzero() > 0.5 * one.numel()
        torch.testing.assert_close(one.grad, two.grad, rtol=0, atol=0)


@given(masked_layers(bias=False))
def test_what_is_masked_is_not_counted(layer: MaskedLinear) -> None:
    weight, mask = matrices(layer)
    assert layer.n_active == int(mask.sum())
    assert layer.density == layer.n_active / mask.numel()
    np.testing.assert_array_equal(layer.keys(), np.flatnonzero(mask.numpy()))
    np.testing.assert_array_equal(layer.fan_out(), mask.sum(dim=0).numpy())
    for sparse in (layer.to_synapses(), layer.to_sparse().to_synapses()):
        dense = np.zeros(mask.shape)
        for k, key in enumerate(layer.keys().tolist()):
            dense.flat[key] = sparse.weights[k]
        np.testing.assert_array_equal(dense, (weight * mask).numpy())
        assert sparse.n_active == layer.n_active
    assert f"n_active={layer.n_active} " in repr(layer)


@given(masked_layers())
def test_to_sparse_and_back(layer: MaskedLinear) -> None:
    layer.eval()
    sparse = layer.to_sparse()
    assert type(sparse) is SparseLinear
    assert not sparse.training
    assert ((sparse.signs < 0) == (sparse.weight < 0)).all()
    back = MaskedLinear.from_sparse(sparse)
    assert torch.equal(back.mask, layer.mask)
    assert torch.equal(back.weight, layer.weight * layer.mask)
    assert (back.bias is None) == (layer.bias is None)
    with torch.no_grad():
        sparse.weight += 1  # a copy
    assert torch.equal(back.weight, layer.weight * layer.mask)


def test_a_mask_without_any_synapse() -> None:
    layer = MaskedLinear(3, 2, n_active=1)
    layer.mask[:] = False
    assert layer.to_synapses().n_active == 0
    assert layer.to_sparse()(torch.ones(1, 3)).tolist() == [[0, 0]]


@given(synapses())
def test_from_synapses(given: Any) -> None:
    layer = MaskedLinear.from_synapses(given)
    assert isinstance(layer, MaskedLinear)
    assert layer.to_synapses() == given.with_weights(given.weights.astype(np.float32))


@given(masked_layers())
def test_state_dicts_hold_the_mask(layer: MaskedLinear) -> None:
    bias = layer.bias is not None
    other = MaskedLinear(layer.in_features, layer.out_features, n_active=1, bias=bias, rng=7)
    other.load_state_dict(copy.deepcopy(layer.state_dict()))
    assert_same_state(other.state_dict(), layer.state_dict())
    assert other.n_active == layer.n_active
    twin = copy.deepcopy(layer)
    twin.mask[:] = False
    assert layer.n_active > 0


def test_state_dicts_of_other_layers_are_refused() -> None:
    layer = MaskedLinear(6, 5, n_active=11, rng=2)
    for other in (SparseLinear(6, 5, n_active=11), SparseLinear(6, 5, density=1.0)):
        with pytest.raises((RuntimeError, ShapeError), match=r"mask|stores all"):
            layer.load_state_dict(other.state_dict())
        with pytest.raises(RuntimeError, match="mask"):
            other.load_state_dict(MaskedLinear(6, 5, n_active=11).state_dict())
    with pytest.raises(ShapeError, match=re.escape("values: got shape (4,); MaskedLinear stores")):
        layer.set_weights(torch.zeros(4))


def test_layers_of_a_model_are_replaced_and_back() -> None:
    model = sparse_classifier(
        [10, 14, 4], neuron=LIF(du=0.4, dv=0.1), density=0.4, recurrent_density=0.3, gain=2
    )
    x = some_spikes(10)
    before, events = trained(model, x), synaptic_events(model, model.spikes(x))
    network = model.to_network()
    assert events > 0
    layers = mask_layers(model)
    assert [layer.n_active for layer in layers] == [56, 59, 22]
    assert isinstance(model.layers[0].neurons.recurrent, MaskedLinear)
    assert all(isinstance(layer.connection, MaskedLinear) for layer in model.layers)
    assert same(trained(model, x), before)
    assert synaptic_events(model, model.spikes(x)) == events
    for one, two in zip(model.to_network().projections, network.projections, strict=True):
        assert one.synapses == two.synapses
    assert mask_layers(model) == layers  # nothing is left to do
    sparse = unmask_layers(model)
    assert [layer.n_active for layer in sparse] == [56, 59, 22]
    assert not any(isinstance(layer, MaskedLinear) for layer in model.modules())
    assert same(trained(model, x), before)
    assert synaptic_events(model, model.spikes(x)) == events


def test_a_layer_that_goes_by_two_names_stays_one() -> None:
    layer = SparseLinear(5, 5, density=0.4, bias=True)
    nn.init.normal_(layer.bias)
    layer.weight.requires_grad_(False)
    model = nn.Sequential(layer, nn.ReLU(), layer, nn.Sequential(layer))
    x = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
    before = model(x)
    (masked,) = mask_layers(model)
    assert model[0] is model[2] is model[3][0] is masked
    assert not masked.weight.requires_grad
    torch.testing.assert_close(model(x), before)


def test_models_without_layers_to_replace() -> None:
    with pytest.raises(ParameterError, match="model: no SparseLinear in it"):
        mask_layers(nn.Sequential(nn.Linear(3, 2)))
    with pytest.raises(
        ParameterError, match="model: is itself a SparseLinear; replace it by from_"
    ):
        mask_layers(SparseLinear(3, 2, density=0.5))
    with pytest.raises(
        ParameterError, match="model: is itself a MaskedLinear; replace it by from_"
    ):
        unmask_layers(MaskedLinear(3, 2, density=0.5))
    with pytest.raises(ParameterError, match="density, n_active: give exactly one of them"):
        MaskedLinear(3, 2)


@pytest.mark.parametrize("recurrent", [False, True])
def test_the_exported_network_spikes_as_the_masked_one(recurrent: bool) -> None:
    model, _ = spiking_pair(recurrent)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, MaskedLinear):
                layer.weight[~layer.mask] = 1.0
    x = some_spikes()
    if not recurrent:
        assert same(trained(model, x), simulated(model, x))
    network = model.to_network()
    n_active = [layer.n_active for layer in model.modules() if isinstance(layer, MaskedLinear)]
    assert network.n_synapses == sum(n_active)
    before = trained(model, x)
    unmask_layers(model)
    assert same(trained(model, x), before)


def test_snntorch_gets_the_mask() -> None:
    pytest.importorskip("snntorch")
    from neurosparse.interop import to_snntorch

    model = sparse_classifier([6, 5], neuron=LIF(), n_active=[11])
    mask_layers(model)
    layer: Any = model.layers[0].connection
    weight, mask = matrices(layer)
    net = to_snntorch(model)
    assert torch.equal(net.fc1.weight_mask.bool(), mask)
    assert torch.equal(net.fc1.weight.detach(), weight * mask)
