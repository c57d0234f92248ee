"""L1, L2 and dropout: against their definitions, in training, and taken up again."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from neurosparse import LIF
from neurosparse.errors import ParameterError
from neurosparse.sparsify import RandomShare, Scheme
from neurosparse.train import (
    LIFLayer,
    PackedSpikes,
    RateTarget,
    Rewirer,
    SparseLinear,
    SpikingClassifier,
    SpikingLayer,
    dense_classifier,
    fit,
    sparse_classifier,
)
from neurosparse.train.ann import dense_ann, sparse_ann
from neurosparse.train.compaction import compact_model
from neurosparse.train.dropout import DropoutLayer, add_dropout, silence
from neurosparse.train.masked_linear import mask_layers
from neurosparse.train.regularizers import L1, L2, WeightRegularizer
from tests.train.agreement import assert_same_state, digits
from tests.train.short_runs import RATE, run, small_model

N_STEPS, BATCH = 7, 5


def raster(size: int, batch: int, seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy((rng.random((N_STEPS, batch, size)) < 0.4).astype(np.float64))


# ---------------------------------------------------------------------- weights


def test_penalties_and_their_gradients() -> None:
    model = sparse_ann([6, 5, 3], n_active=[11, 7])
    model.append(nn.Linear(3, 2))
    for norm, value, slope in (
        (L1(0.3), lambda w: 0.3 * abs(w), lambda w: 0.3 * np.sign(w)),
        (L2(0.3), lambda w: 0.15 * w * w, lambda w: 0.3 * w),
    ):
        model.zero_grad()
        penalty = norm.of_weights(model)
        penalty.backward()  # type: ignore[no-untyped-call]
        weights: Any = [model[i].weight for i in (0, 2, 3)]
        every = [w for p in weights for w in p.detach().flatten().tolist()]
        assert penalty.item() == pytest.approx(sum(value(w) for w in every), rel=1e-5)
        for p in weights:
            expected = slope(p.detach().numpy())
            np.testing.assert_allclose(p.grad.numpy(), expected, rtol=1e-6)
        assert all(layer.bias.grad is None for layer in model if hasattr(layer, "bias"))
        assert isinstance(norm, WeightRegularizer)
    assert not isinstance(RateTarget(0.1), WeightRegularizer)
    assert repr(L1(0.3)) == "L1(0.3)"


def test_of_masked_layers_existing_synapses_count() -> None:
    model = sparse_classifier([6, 5, 3], neuron=LIF(), n_active=[11, 7], recurrent_density=0.2)
    expected = L1(1.0).of_weights(model).item()
    assert expected == pytest.approx(sum(p.abs().sum().item() for p in model.parameters()))
    for layer in mask_layers(model):
        layer.weight.data[~layer.mask] = 5.0
    assert L1(1.0).of_weights(model).item() == pytest.approx(expected)
    L2(1.0).of_weights(model).backward()  # type: ignore[no-untyped-call]
    for layer in mask_layers(model):
        assert layer.weight.grad is not None
        assert not layer.weight.grad[~layer.mask].any()


def test_l2_is_the_weight_decay_of_sgd() -> None:
    train, _ = digits(64, 1)

    def trained(decay: float, regularizers: Any) -> nn.Module:
        model = sparse_ann([64, 20, 10], n_active=[200, 60], bias=False)
        fit(
            model,
            train,
            optimizer=lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=decay),
            regularizers=regularizers,
            epochs=2,
            progress=False,
        )
        return model

    one, two, none = trained(0.1, ()), trained(0.0, [L2(0.1)]), trained(0.0, ())
    for a, b, c in zip(one.parameters(), two.parameters(), none.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
        assert b.norm() < c.norm()


def test_fit_takes_both_kinds_of_regularizers() -> None:
    model = small_model()
    history = run(model, 1, regularizers=[L1(1e-3), RateTarget(0.2, 0.1)])
    plain = run(small_model(), 1)
    assert history.epochs[0].loss > plain.epochs[0].loss
    with pytest.raises(ParameterError, match="regularizers: need the spikes of a Spiking"):
        fit(dense_ann([64, 10]), digits(20, 1)[0], regularizers=[L1(1), RateTarget(0.1)])


@pytest.mark.parametrize("strength", [0, -1, float("inf"), float("nan"), "much"])
@pytest.mark.parametrize("kind", [L1, L2])
def test_strengths_that_are_refused(kind: Any, strength: Any) -> None:
    with pytest.raises(ParameterError, match=re.escape(f"strength: got {strength!r}; allowed is")):
        kind(strength)


# ---------------------------------------------------------------------- dropout


def masked_by_hand(layer: Any, x: torch.Tensor, keep: torch.Tensor, scale: float) -> torch.Tensor:
    """Scaled real-valued spikes through the same weights, as snnTorch would send them."""
    dropped = x * keep.to(x.dtype) * scale
    late = layer.delay - 1
    if late:
        dropped = torch.cat([torch.zeros_like(dropped[:late]), dropped[:-late]])
    spikes: torch.Tensor = layer.neurons(layer.connection(dropped))
    return spikes


@given(
    batch=st.sampled_from([1, 5, 17, 70]),
    p=st.floats(0.05, 0.95),
    dense=st.booleans(),
    delay=st.integers(1, 2),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=30, deadline=None)
def test_dropout_is_that_of_scaled_spikes(
    batch: int, p: float, dense: bool, delay: int, seed: int
) -> None:
    """Spikes and all gradients equal those of a layer that is given masked and scaled floats."""
    rng = np.random.default_rng(seed)
    first = SparseLinear(6, 9, density=0.6, gain=2, rng=rng).double()
    inner = nn.Linear(9, 4, bias=False) if dense else SparseLinear(9, 4, density=0.6, rng=rng)
    layers = [
        SpikingLayer(first, LIFLayer(9, LIF(du=0.7, dv=0.2))),
        SpikingLayer(inner.double(), LIFLayer(4, LIF(du=0.5, dv=0.2)), delay=delay),
    ]
    model = add_dropout(SpikingClassifier(layers), p, rng=seed)
    x = raster(6, batch, seed)
    second: Any = model.layers[1]
    state = copy.deepcopy(second.silencer.get_extra_state())
    logits = model(x)
    logits.square().sum().backward()
    grads = [parameter.grad.clone() for parameter in model.parameters()]
    # the same draw again, by hand
    second.silencer.set_extra_state(state)
    hidden = layers[0](PackedSpikes.from_tensor(x))
    keep = torch.from_numpy(second.silencer.draw(9, hidden.n_lanes)[:, :batch].T)
    model.zero_grad()
    out = masked_by_hand(layers[1], hidden.to_tensor(torch.float64), keep, 1 / (1 - p))
    counts = out.sum(dim=0) * (10 / N_STEPS)
    torch.testing.assert_close(logits, counts, rtol=1e-12, atol=1e-12)
    counts.square().sum().backward()
    for parameter, grad in zip(model.parameters(), grads, strict=True):
        torch.testing.assert_close(grad, parameter.grad, rtol=1e-9, atol=1e-11)


def test_silent_neurons_are_silent_in_every_step_and_some_in_every_sample() -> None:
    x = PackedSpikes.from_tensor(torch.ones(N_STEPS, 300, 40))
    keep = np.random.default_rng(0).random((40, x.n_lanes)) < 0.7
    heard = silence(x, keep).to_tensor()
    assert torch.equal(heard, heard[:1].expand(N_STEPS, -1, -1))
    np.testing.assert_array_equal(heard[0].numpy().astype(bool), keep[:, :300].T)
    assert torch.equal(silence(x, keep).counts, heard.sum(dim=0))
    assert x.to_tensor().all()


def test_in_evaluation_nothing_is_dropped_and_the_mean_drive_stays() -> None:
    plain = sparse_classifier([8, 200, 4], neuron=LIF(dv=0.2), density=0.5, gain=2)
    model = add_dropout(copy.deepcopy(plain), 0.5, rng=3)
    x = raster(8, BATCH, 0).float()
    state = copy.deepcopy(model.state_dict())
    assert torch.equal(model.eval()(x), plain(x))
    assert_same_rng(state, model.state_dict())
    # the drive of the next layer, over many draws, is that without dropout
    hidden = plain.spikes(x)[1]
    connection: Any = plain.layers[1].connection
    expected = connection(hidden.to_tensor())
    silencer: Any = model.layers[1].silencer
    mean = torch.zeros_like(expected)
    for _ in range(400):
        heard = silence(hidden, silencer.draw(200, hidden.n_lanes)).to_tensor()
        mean += connection(heard) * silencer.scale / 400
    # Bernoulli noise of 200 inputs, over 400 draws
    spread = connection.weight.detach().norm() / 20
    assert (mean - expected).abs().max() < 5 * spread


def assert_same_rng(one: dict[str, Any], two: dict[str, Any]) -> None:
    names = [name for name in one if name.endswith("_extra_state")]
    assert names
    assert all(one[name] == two[name] for name in names)


def test_dropout_of_relu_units() -> None:
    model = add_dropout(nn.Sequential(nn.Linear(3, 1000), nn.ReLU(), nn.Linear(1000, 1)), 0.25)
    hidden = nn.functional.relu(model[0](torch.ones(1, 3)))
    answers = model[1](model[0](torch.ones(1, 3)))
    dropped = (answers == 0) & (hidden > 0)
    assert abs(dropped.sum().item() / (hidden > 0).sum().item() - 0.25) < 0.1
    torch.testing.assert_close(answers[answers != 0], hidden[answers != 0] / 0.75)
    model.eval()
    assert torch.equal(model[1](model[0](torch.ones(1, 3))), hidden)
    before = torch.random.get_rng_state()
    model.train()(torch.ones(1, 3))
    assert torch.equal(before, torch.random.get_rng_state())


def test_names_stay_and_compaction_leaves_dropout_out() -> None:
    model = sparse_classifier([6, 9, 3], neuron=LIF(vth=0.5), n_active=[30, 20])
    names = [name for name, _ in model.named_parameters()]
    parameters = list(model.parameters())
    assert add_dropout(model, 0.5) is model
    assert [name for name, _ in model.named_parameters()] == names
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))
    small = compact_model(model.eval())
    assert not any(isinstance(layer, DropoutLayer) for layer in small.modules())
    x = raster(6, BATCH, 0).float()
    assert torch.equal(small(x), model(x))
    assert model.to_network().n_synapses == 50


@pytest.mark.parametrize("spiking", [True, False])
def test_a_resumed_run_draws_on(spiking: bool, tmp_path: Path) -> None:
    train, valid = digits(320, 100)

    def go(epochs: int, path: Path | None, *, resume: bool = False) -> nn.Module:
        base: Any = small_model() if spiking else sparse_ann([64, 30, 10], n_active=[300, 100])
        model: nn.Module = add_dropout(base, 0.3, rng=7)
        fit(
            model,
            train,
            valid=valid,
            encoding=RATE if spiking else None,
            epochs=epochs,
            keep="last",
            checkpoint=path,
            resume=resume,
            progress=False,
        )
        return model

    whole = go(3, None).state_dict()
    go(2, tmp_path / "run.pt")
    parts = go(3, tmp_path / "run.pt", resume=True).state_dict()
    assert_same_rng(whole, parts)
    drop = [name for name in whole if name.endswith("_extra_state")]
    for state in (whole, parts):
        for name in drop:
            del state[name]
    assert_same_state(whole, parts)


def test_dropout_and_rewiring_go_together() -> None:
    model = add_dropout(
        sparse_classifier([8, 12, 4], neuron=LIF(dv=0.2), n_active=[40, 20], gain=2), 0.3
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    Rewirer(Scheme("churn", drop=RandomShare(0.2)), model, optimizer)
    x = raster(8, BATCH, 0).float()
    late = model(x).sum()
    for _ in range(3):
        optimizer.zero_grad()
        model(x).square().sum().backward()
        optimizer.step()
    assert [layer.connection.n_active for layer in model.layers] == [40, 20]
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        late.backward()


def test_dropout_in_a_dense_classifier_masks_the_gradient_too() -> None:
    model = add_dropout(dense_classifier([5, 6, 2], neuron=LIF(vth=0.3), gain=2), 0.9, rng=1)
    x = raster(5, 1, 0).float()
    model(x).sum().backward()
    second: Any = model.layers[1]
    silent = (second.connection.weight.grad == 0).all(dim=0)
    first: Any = model.layers[0]
    assert silent.any()
    assert not first.connection.weight.grad[silent].any()


def test_what_dropout_refuses() -> None:
    model = sparse_classifier([4, 3, 2], neuron=LIF(), density=0.5)
    for p in (0, 1, -0.1, float("nan")):
        with pytest.raises(ParameterError, match=r"p: got .*; allowed is 0 < p < 1"):
            add_dropout(model, p)
    with pytest.raises(ParameterError, match="model: has dropout already"):
        add_dropout(add_dropout(model, 0.5), 0.5)
    with pytest.raises(ParameterError, match="model: no hidden layer in it"):
        add_dropout(sparse_classifier([4, 2], neuron=LIF(), density=0.5), 0.5)
    other: Any = nn.Linear(2, 2)
    with pytest.raises(ParameterError, match="model: got a Linear; allowed is SpikingClassifier"):
        add_dropout(other, 0.5)
