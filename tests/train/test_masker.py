"""Masker: schemes with dense state under any optimiser, exact numbers, exact resumption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurosparse.errors import ParameterError, StorageError
from neurosparse.network import LIF
from neurosparse.sparsify import Context
from neurosparse.sparsify.masks.scheme import MaskScheme, MaskView
from neurosparse.sparsify.recipes.masks import dnw, dpf, lc, snfs, soft_deep_r
from neurosparse.train import SparseLinear, fit, sparse_ann, sparse_classifier
from neurosparse.train.masked_linear import MaskedLinear, mask_layers, unmask_layers
from neurosparse.train.masker import Masker
from tests.sparsify import mask_reference as reference
from tests.train.agreement import assert_same_state, digits
from tests.train.short_runs import COUNTS, SIZES, adam, run
from tests.train.test_resume import timeless
from tests.train.test_rewire import NEW_WEIGHT, OPTIMIZERS
from tests.train.test_same_spikes import BATCH, same, simulated, trained

N_STEPS = 20  # of four epochs of five batches
MAKES: dict[str, Callable[[Sequence[int]], MaskScheme]] = {
    "soft_deep_r": lambda final: soft_deep_r(final, l1=0.01, temperature=1e-6),
    "snfs": lambda final: snfs(final, n_steps=N_STEPS, every=4),
    "dpf": lambda final: dpf(final, n_steps=N_STEPS, every=3),
    "dnw": lambda final: dnw(final),
    "lc": lambda final: lc(final, n_steps=N_STEPS, n_stages=5),
}
SPARSE = ("soft_deep_r", "snfs")  # start so
FULL = [SIZES[0] * SIZES[1], SIZES[1] * SIZES[2]]


def spiking(name: str, rng: int = 0) -> nn.Module:
    counts = COUNTS if name in SPARSE else FULL
    return sparse_classifier(SIZES, neuron=LIF(du=1, dv=0.1), n_active=counts, gain=2, rng=rng)


def relu(name: str, rng: int = 0) -> nn.Module:
    return sparse_ann(SIZES, n_active=COUNTS if name in SPARSE else FULL, rng=rng)


def masked(model: nn.Module) -> list[MaskedLinear]:
    return [layer for layer in model.modules() if isinstance(layer, MaskedLinear)]


# ---------------------------------------------------------------------- through fit


@pytest.mark.parametrize("kind", ["spiking", "relu"])
@pytest.mark.parametrize("name", MAKES)
def test_numbers_of_synapses_in_a_training(name: str, kind: str) -> None:
    if kind == "spiking":
        model = spiking(name)
        history = run(model, 4, scheme=MAKES[name](COUNTS), keep="last")
    else:
        model = relu(name)
        train, valid = digits(320, 100)
        history = fit(
            model,
            train,
            valid=valid,
            scheme=MAKES[name](COUNTS),
            optimizer=adam(0.01),
            epochs=4,
            keep="last",
            progress=False,
        )
    counts = [epoch.synapses for epoch in history.epochs]
    final, sums = counts[-1], [sum(row) for row in counts]
    assert final == [layer.n_active for layer in masked(model)]
    assert len({epoch.loss for epoch in history.epochs}) == 4
    if name == "soft_deep_r":
        assert 200 < sums[-1] < 1500  # in the mean only
    elif name == "dnw":
        assert counts == [COUNTS] * 4
    elif name == "snfs":
        assert set(sums) == {400}
    elif name == "dpf":
        assert sums == sorted(sums, reverse=True)
        assert sums[0] > 1000
        assert sums[-1] == 400
    else:
        assert counts[:3] == [FULL] * 3
        assert sums[-1] == 400
    turned = [sum(e.dropped) + sum(e.grown) for e in history.epochs]
    assert sum(turned) > 0
    began = COUNTS if name in SPARSE or name == "dnw" else FULL
    for i in (0, 1):
        changes = sum(epoch.grown[i] - epoch.dropped[i] for epoch in history.epochs)
        assert began[i] + changes == final[i]
    sparse = unmask_layers(model)
    assert [layer.weight.numel() for layer in sparse] == final


@pytest.mark.parametrize("name", MAKES)
def test_resuming_equals_an_uninterrupted_run(name: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"scheme": MAKES[name](COUNTS), "keep": "last"}
    whole = spiking(name)
    expected = run(whole, 4, **options)
    path = tmp_path / "run.pt"
    run(spiking(name), 2, checkpoint=path, **options)
    resumed = spiking(name, rng=9)  # whatever it was, it becomes what was saved
    history = run(resumed, 4, checkpoint=path, resume=True, **options)
    assert timeless(history) == timeless(expected)
    assert_same_state(resumed.state_dict(), whole.state_dict())
    again = spiking(name)
    assert timeless(run(again, 4, **options)) == timeless(expected)
    assert_same_state(again.state_dict(), whole.state_dict())


@pytest.mark.parametrize("name", MAKES)
def test_recurrent_networks_spike_the_same_in_the_simulator(name: str) -> None:
    sizes, final = [10, 14, 4], [50, 60, 20]  # with those of the hidden layer to one another
    model = sparse_classifier(
        sizes, neuron=LIF(du=0.4, dv=0.1), density=1.0, recurrent_density=1.0, gain=2
    )
    layers = mask_layers(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    masker = Masker(MAKES[name](final), model, optimizer, rng=1)
    x = (torch.rand(12, BATCH, 10, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    for _ in range(N_STEPS):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), torch.arange(BATCH) % 4).backward()
        optimizer.step()
    assert masker.turnover.n_steps == N_STEPS
    counts = [layer.n_active for layer in layers]
    network = model.to_network()
    assert network.n_synapses == sum(counts)
    if name != "soft_deep_r":
        assert sum(counts) == sum(final)
    before = trained(model, x)
    unmask_layers(model)
    assert same(trained(model, x), before)
    assert 0 < before[1].mean() < 1
    one = x[:, :1].contiguous()  # samples of a recurrent network run one by one
    assert same(trained(model, one), simulated(model, one))


# ---------------------------------------------------------------------- with an optimiser


def layers_and_loss(
    counts: Sequence[int] | None, dtype: torch.dtype = torch.float64
) -> tuple[list[MaskedLinear], list[Tensor], Callable[[], Tensor]]:
    """Return layers, and the loss of `mask_reference`."""
    layers, targets = [], []
    generator = torch.Generator().manual_seed(2)
    for i, (n_pre, n_post) in enumerate([(6, 4), (4, 3), (3, 5)]):
        n = n_pre * n_post if counts is None else counts[i]
        layer = MaskedLinear(n_pre, n_post, n_active=n, gain=2, rng=i).to(dtype)
        layers.append(layer)
        targets.append(torch.randn(n_pre * n_post, generator=generator).to(dtype))

    def loss() -> Tensor:
        pairs = zip(layers, targets, strict=True)
        return torch.stack([(layer.values() - t).square().sum() / 2 for layer, t in pairs]).sum()

    return layers, targets, loss


def train(optimizer: torch.optim.Optimizer, loss: Callable[[], Tensor], n_steps: int) -> None:
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()


def test_snfs_under_sgd_with_momentum_is_its_algorithm() -> None:
    counts = [6, 5, 4]
    layers, targets, loss = layers_and_loss(counts)
    weights, masks = reference.snfs_run(
        [layer.weight.tolist() for layer in layers],
        [layer.mask.tolist() for layer in layers],
        [target.tolist() for target in targets],
        n_steps=12,
        every=3,
        eta=0.1,
        momentum=0.9,
        rate=0.5,
        last_rate=0.005,
    )
    optimizer = torch.optim.SGD([layer.weight for layer in layers], lr=0.1, momentum=0.9)
    masker = Masker(snfs(counts, n_steps=12, every=3), layers, optimizer)
    before = [layer.mask.clone() for layer in layers]
    train(optimizer, loss, 12)
    for i, layer in enumerate(layers):
        assert layer.mask.tolist() == masks[i]
        np.testing.assert_allclose(layer.weight.tolist(), weights[i], rtol=1e-9, atol=1e-12)
        changed = int((layer.mask != before[i]).sum())
        assert masker.turnover.dropped[i] + masker.turnover.grown[i] >= changed
    assert sum(masker.turnover.dropped) == sum(masker.turnover.grown) > 0


@pytest.mark.parametrize("pooled", [True, False])
def test_dpf_under_sgd_is_its_algorithm(pooled: bool) -> None:
    layers, targets, loss = layers_and_loss(None)
    weights, masks = reference.dpf_run(
        [layer.weight.tolist() for layer in layers],
        [target.tolist() for target in targets],
        [6, 5, 4],
        n_steps=24,
        every=4,
        stop=18,
        eta=0.1,
        pooled=pooled,
    )
    optimizer = torch.optim.SGD([layer.weight for layer in layers], lr=0.1)
    Masker(dpf([6, 5, 4], n_steps=24, every=4, pooled=pooled), layers, optimizer)
    train(optimizer, loss, 24)
    for i, layer in enumerate(layers):
        assert layer.mask.tolist() == masks[i]
        np.testing.assert_allclose(layer.weight.tolist(), weights[i], rtol=1e-9, atol=1e-12)


def flip(layers: Sequence[MaskView], context: Context) -> None:
    """Mask a few synapses, and let as many come."""
    for layer in layers:
        for on in (True, False):
            layer.mask[context.rng.choice(np.flatnonzero(layer.mask == on), 2)] = not on


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_where_masked_weights_are_out_of_reach_nothing_moves_them(name: str) -> None:
    layers, _, loss = layers_and_loss([12, 6, 8], torch.float32)
    with torch.no_grad():
        for layer in layers:
            layer.weight[~layer.mask] = 0.25
    optimizer = OPTIMIZERS[name]([layer.weight for layer in layers])
    Masker(MaskScheme("flip", choose=flip, reach="active"), layers, optimizer, rng=3)
    for step in range(8):
        before = [(layer.mask.clone(), layer.weight.detach().clone()) for layer in layers]
        train(optimizer, loss, 1)
        for layer, (mask, weight) in zip(layers, before, strict=True):
            assert torch.equal(layer.weight[~mask], weight[~mask])
            assert (layer.weight[mask] != weight[mask]).float().mean() > 0.5 or step == 0
            for slot, values in optimizer.state[layer.weight].items():
                if isinstance(values, Tensor) and values.shape == layer.weight.shape:
                    first = NEW_WEIGHT.get(name, {}).get(slot, 0.0)
                    assert values[~mask].tolist() == pytest.approx([first] * int((~mask).sum()))


def test_rules_see_the_layer_as_it_is() -> None:
    layers, targets, loss = layers_and_loss([12, 6, 8])
    seen: list[MaskView] = []

    def look(views: Sequence[MaskView], context: Context) -> None:
        assert context.step == 0
        seen.extend(views)
        views[0].weights[0] = 7.0
        views[1].kept["note"] = np.ones(12)

    optimizer = torch.optim.Adam(
        [{"params": [layer.weight], "lr": 0.1 * (i + 1)} for i, layer in enumerate(layers)]
    )
    gradients = [layer.values().detach() - t for layer, t in zip(layers, targets, strict=True)]
    masker = Masker(MaskScheme("look", choose=look), layers, optimizer)
    train(optimizer, loss, 1)
    for i, view in enumerate(seen):
        assert (view.n_post, view.n_pre) == (layers[i].out_features, layers[i].in_features)
        assert view.learning_rate == pytest.approx(0.1 * (i + 1))
        np.testing.assert_allclose(view.gradient, gradients[i])
        assert set(view.slots) == {"exp_avg", "exp_avg_sq"}
        np.testing.assert_allclose(view.slots["exp_avg"], 0.1 * gradients[i])
        np.testing.assert_allclose(np.abs(view.momentum()), 0.1 / np.sqrt(0.001), rtol=1e-5)
    assert layers[0].weight[0] == 7
    assert masker.state_dict()["kept"][1]["note"].tolist() == [1] * 12


def test_a_layer_outside_the_loss_has_no_gradient() -> None:
    layers, _, _ = layers_and_loss([12, 6, 8])
    optimizer = torch.optim.SGD([layer.weight for layer in layers], lr=0.1, momentum=0.9)
    for scheme in (snfs([12, 6, 8], n_steps=3, every=1), soft_deep_r([12, 6, 8])):
        masker = Masker(scheme, layers, optimizer)
        layers[0].values().sum().backward()
        assert layers[1].weight.grad is None
        optimizer.step()
        optimizer.zero_grad()
        assert masker.turnover.n_steps == 1  # it went through all the same
        assert all(torch.isfinite(layer.weight).all() for layer in layers)
        masker.remove()


def test_remove_stops_it() -> None:
    layers, _, loss = layers_and_loss(None)
    optimizer = torch.optim.SGD([layer.weight for layer in layers], lr=0.5)
    masker = Masker(dnw([6, 5, 4]), layers, optimizer)
    masker.remove()
    with torch.no_grad():
        for layer in layers:
            layer.weight.neg_()
            layer.weight[~layer.mask] = 9
    before = [layer.mask.clone() for layer in layers]
    train(optimizer, loss, 3)
    assert all(torch.equal(layer.mask, old) for layer, old in zip(layers, before, strict=True))
    assert masker.turnover.n_steps == 0


def test_state_dict_takes_up_where_it_was() -> None:
    layers, _, loss = layers_and_loss(None)
    weights = [layer.weight for layer in layers]
    optimizer = torch.optim.SGD(weights, lr=0.1)
    scheme = lc([6, 5, 4], n_steps=30, n_stages=6)
    masker = Masker(scheme, layers, optimizer)
    train(optimizer, loss, 12)
    masker.observe(0.5)
    state = masker.state_dict()
    kept = state["kept"][0]["theta"].clone()
    train(optimizer, loss, 5)
    assert torch.equal(state["kept"][0]["theta"], kept)  # a copy
    other = Masker(scheme, layers, torch.optim.SGD(weights, lr=0.1), rng=7)
    other.load_state_dict(state)
    again = other.state_dict()
    assert again["step"] == 12
    assert again["memory"] == state["memory"]
    assert again["memory"]["valid_loss"] == 0.5
    assert again["rng"] == state["rng"]
    for one, two in zip(again["kept"], state["kept"], strict=True):
        assert set(one) == {"theta", "lambda"}
        assert_same_state(one, two)
    bad_arrays = [{"theta": torch.zeros(2)}, {}, {}]
    for bad in (
        {},
        state | {"rng": None},
        state | {"step": "one"},
        state | {"kept": [{}]},
        state | {"kept": bad_arrays},
        state | {"kept": [{"theta": 3}, {}, {}]},
    ):
        with pytest.raises(StorageError, match="masker state: not usable"):
            other.load_state_dict(bad)
        assert other.state_dict()["step"] == 12


def test_bad_layers_and_optimisers() -> None:
    layers, _, _ = layers_and_loss(None)
    weights = [layer.weight for layer in layers]
    adam_of = torch.optim.Adam(weights)
    sparse = SparseLinear(3, 2, density=1.0)
    for none in (sparse, nn.Sequential(sparse), []):
        with pytest.raises(ParameterError, match="layers: no MaskedLinear among them, which dnw "):
            Masker(dnw(0.5), none, adam_of)
    with pytest.raises(ParameterError, match="optimizer: LBFGS keeps flat state across layers"):
        Masker(dnw(0.5), layers, torch.optim.LBFGS(weights))
    with pytest.raises(ParameterError, match=r"optimizer: does not hold the weights of MaskedLin"):
        Masker(dnw(0.5), layers, torch.optim.Adam(weights[:1]))
    with pytest.raises(ParameterError, match="final: got 2 numbers for 3 layers"):
        Masker(dnw([3, 4]), layers, adam_of)
