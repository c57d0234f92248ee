"""Rewirer: optimiser slots stay with their synapses, newborns start afresh, K is exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurosparse.data import Encoding
from neurosparse.errors import ParameterError, StorageError
from neurosparse.network import LIF
from neurosparse.sparsify import (
    DaleSigns,
    FixedSigns,
    LayerView,
    Scheme,
    deep_r,
    deep_r_global,
    static,
)
from neurosparse.train import Rewirer, SparseLinear, SpikingClassifier, sparse_classifier
from tests.train.agreement import assert_same_state, digits, topology

Make = Callable[[Any], torch.optim.Optimizer]

# every optimiser of torch.optim with state per weight, with the options that add slots;
# SparseAdam takes sparse gradients and Muon takes matrices only
OPTIMIZERS: dict[str, Make] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "SGD, momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.05),
    "Adam, AMSGrad": lambda p: torch.optim.Adam(p, lr=0.05, amsgrad=True),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.05),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.02),
    "RMSprop, all": lambda p: torch.optim.RMSprop(p, lr=0.02, momentum=0.5, centered=True),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
    "Adagrad, start": lambda p: torch.optim.Adagrad(p, lr=0.1, initial_accumulator_value=0.5),
    "Adadelta": lambda p: torch.optim.Adadelta(p, lr=5.0),
    "Adamax": lambda p: torch.optim.Adamax(p, lr=0.05),
    "NAdam": lambda p: torch.optim.NAdam(p, lr=0.05),
    "RAdam": lambda p: torch.optim.RAdam(p, lr=0.5),
    "ASGD": lambda p: torch.optim.ASGD(p, lr=0.1, t0=3),
    "Rprop": lambda p: torch.optim.Rprop(p, lr=0.02),
    "Adafactor": lambda p: torch.optim.Adafactor(p, lr=0.1),
}
NEW_WEIGHT = {"Adagrad, start": {"sum": 0.5}, "Rprop": {"step_size": 0.02}}


def layer_and_loss() -> tuple[SparseLinear, Callable[[], Tensor]]:
    """Return a layer with something to learn."""
    layer = SparseLinear(12, 10, n_active=40, rng=1)
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(32, 12, generator=generator)
    y = torch.randn(32, 10, generator=generator)
    return layer, lambda: ((layer(x) - y) ** 2).mean() * 10


def by_key(layer: SparseLinear, optimizer: torch.optim.Optimizer) -> dict[str, dict[int, float]]:
    """Return every slot that has one entry per synapse, by the synapse's key."""
    keys = layer.keys().tolist()
    slots = {"weight": layer.weight.detach(), "gradient": layer.weight.grad}
    slots |= optimizer.state.get(layer.weight, {})
    return {
        name: dict(zip(keys, slot.tolist(), strict=True))
        for name, slot in slots.items()
        if isinstance(slot, Tensor) and slot.shape == layer.weight.shape
    }


class Spy:
    """A drop rule that notes what it saw: the state between the step and the exchange."""

    def __init__(self, layer: SparseLinear, optimizer: torch.optim.Optimizer) -> None:
        self.layer, self.optimizer = layer, optimizer
        self.before: dict[str, dict[int, float]] = {}
        self.survivors: set[int] = set()

    def __call__(self, layer: LayerView, rng: np.random.Generator) -> Any:
        dropped = rng.random(layer.n_active) < 0.2
        self.before = by_key(self.layer, self.optimizer)
        self.survivors = set(layer.keys[~dropped].tolist())
        return dropped


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_slots_stay_with_their_synapses(name: str) -> None:
    layer, loss = layer_and_loss()
    optimizer = OPTIMIZERS[name]([layer.weight])
    spy = Spy(layer, optimizer)
    Rewirer(Scheme("spy", drop=spy), layer, optimizer, rng=3)
    n_newborn = 0
    for _ in range(8):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        after = by_key(layer, optimizer)
        assert after.keys() == spy.before.keys()
        for slot, values in after.items():
            assert len(values) == 40
            first = NEW_WEIGHT.get(name, {}).get(slot, 0.0)
            for key, value in values.items():
                if key in spy.survivors:
                    assert value == spy.before[slot][key]
                else:
                    assert value == pytest.approx(first)
                    n_newborn += 1
    assert n_newborn > 50
    if name != "SGD":
        assert len(after) > 2, "the test has seen no slot"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_learning_goes_on_after_exchanges(name: str) -> None:
    layer, loss = layer_and_loss()
    optimizer = OPTIMIZERS[name]([layer.weight])
    rewirer = Rewirer(deep_r(l1=0.01, temperature=1e-4), layer, optimizer, rng=3)
    first = loss().item()
    for _ in range(60):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        assert layer.n_active == 40
    assert sum(rewirer.turnover.dropped) > 0
    assert torch.isfinite(layer.weight).all()
    assert loss().item() < 0.95 * first


def test_newborns_are_not_pushed_by_the_moments_of_the_dead() -> None:
    layer, _ = layer_and_loss()
    optimizer = torch.optim.Adam([layer.weight], lr=0.1)
    rewirer = Rewirer(deep_r(l1=0, temperature=0), layer, optimizer)
    layer.weight.grad = 100 * layer.signs.float()
    optimizer.step()
    newborn = layer.weight.detach() == 0
    assert newborn.any()
    rewirer.remove()
    optimizer.zero_grad()
    layer.weight.grad = torch.zeros_like(layer.weight)
    optimizer.step()
    assert torch.equal(layer.weight.detach() == 0, newborn)


def test_lbfgs_is_refused() -> None:
    layer, _ = layer_and_loss()
    with pytest.raises(ParameterError, match="optimizer: LBFGS keeps flat state across layers"):
        Rewirer(deep_r(), layer, torch.optim.LBFGS([layer.weight]))


def test_bad_layers() -> None:
    layer, _ = layer_and_loss()
    with pytest.raises(ParameterError, match="layers: no SparseLinear among them"):
        Rewirer(deep_r(), nn.Linear(3, 2), torch.optim.Adam([layer.weight]))
    with pytest.raises(ParameterError, match="layers: no SparseLinear among them"):
        Rewirer(deep_r(), [], torch.optim.Adam([layer.weight]))
    other, _ = layer_and_loss()
    with pytest.raises(ParameterError, match="optimizer: does not hold the weights of SparseLin"):
        Rewirer(deep_r(), layer, torch.optim.Adam([other.weight]))


@pytest.mark.parametrize("rule", [FixedSigns(4), DaleSigns(np.tile([1, -1, -1], 4))])
def test_prescribed_signs_are_imposed_and_kept(rule: Any) -> None:
    layer, loss = layer_and_loss()
    magnitude = layer.weight.detach().abs()
    optimizer = torch.optim.SGD([layer.weight], lr=0.1)
    Rewirer(deep_r(temperature=1e-3, signs=rule), layer, optimizer)
    assert torch.equal(layer.weight.detach().abs(), magnitude)
    for _ in range(20):
        signs = rule(layer.keys(), layer.in_features, np.random.default_rng())
        np.testing.assert_array_equal(layer.signs.numpy(), signs)
        assert (layer.weight.detach() * layer.signs >= 0).all()
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()


def test_every_group_has_its_own_learning_rate() -> None:
    layers = [SparseLinear(6, 5, n_active=10, rng=seed) for seed in (1, 2)]
    before = [layer.weight.detach().clone() for layer in layers]
    rates = (0.01, 0.04)
    optimizer = torch.optim.SGD(
        [{"params": [layer.weight], "lr": lr} for layer, lr in zip(layers, rates, strict=True)]
    )
    Rewirer(deep_r(l1=1e-3, temperature=0), layers, optimizer)
    for layer in layers:
        layer.weight.grad = torch.zeros_like(layer.weight)
    optimizer.step()
    for layer, old, lr in zip(layers, before, rates, strict=True):
        torch.testing.assert_close(layer.weight.detach(), old - lr * 1e-3 * layer.signs)


def test_remove_stops_rewiring() -> None:
    layer, loss = layer_and_loss()
    optimizer = torch.optim.SGD([layer.weight], lr=0.5)
    rewirer = Rewirer(deep_r(temperature=0.1), layer, optimizer)
    rewirer.remove()
    before = layer.keys()
    for _ in range(5):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    np.testing.assert_array_equal(layer.keys(), before)
    assert rewirer.turnover.n_steps == 0


def test_state_dict_takes_up_where_it_was() -> None:
    layer, _ = layer_and_loss()
    rewirers = [
        Rewirer(deep_r(), layer, torch.optim.SGD([layer.weight], lr=0.1), rng=seed)
        for seed in (1, 2)
    ]
    rewirers[1].load_state_dict(rewirers[0].state_dict())
    assert rewirers[1].state_dict() == rewirers[0].state_dict()
    for bad in ({}, {"step": 1, "rng": None}, {"step": "one", "rng": {}}):
        with pytest.raises(StorageError, match="rewirer state: not usable"):
            rewirers[1].load_state_dict(bad)


class EmptyThenGrow:
    """A budget that empties the first layer in one step and fills it again in the next."""

    def __init__(self) -> None:
        self.turn = 0

    def missing(self, before: Any, surviving: Any, potential: Any, rng: np.random.Generator) -> Any:
        self.turn += 1
        first = 0 if self.turn == 1 else 5
        grow = before - surviving
        return np.array([first, grow.sum() - first])


def test_a_layer_may_lose_all_its_synapses_and_get_some_back() -> None:
    layers = [SparseLinear(6, 5, n_active=10, rng=seed) for seed in (1, 2)]
    optimizer = torch.optim.Adam([layer.weight for layer in layers], lr=0.1)

    def drop(layer: LayerView, rng: np.random.Generator) -> Any:
        return np.ones(layer.n_active, dtype=bool)

    Rewirer(Scheme("empty", drop=drop, budget=EmptyThenGrow()), layers, optimizer)
    for counts in ([0, 20], [5, 15]):
        optimizer.zero_grad()
        sum(layer(torch.ones(2, 6)).sum() for layer in layers).backward()
        optimizer.step()
        assert [layer.n_active for layer in layers] == counts


def test_an_old_loss_may_stay_alive_while_layers_change_size() -> None:
    """Autograd must not expect the gradients of a step before."""
    layers = [SparseLinear(12, 10, n_active=30, rng=1), SparseLinear(10, 4, n_active=12, rng=2)]
    optimizer = torch.optim.Adam([layer.weight for layer in layers], lr=0.1)
    Rewirer(deep_r_global(temperature=0.05), layers, optimizer)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        losses.append((layers[1](layers[0](torch.ones(3, 12))) ** 2).sum())
        losses[-1].backward()
        optimizer.step()
        for layer in layers:
            assert layer.weight.dtype == torch.float32
            assert layer.weight.requires_grad
            assert layer.weight.grad is not None
            assert layer.weight.grad.shape == layer.weight.shape
    assert layers[0].n_active != 30


# ------------------------------------------------------------------ real training

SIZES, COUNTS = [64, 40, 10], [300, 120]


def train_digits(
    scheme: Scheme, n_steps: int = 25, seed: int = 0, check: Callable[..., None] | None = None
) -> tuple[SpikingClassifier, Rewirer]:
    """Train on digits for some steps, as `fit` does, and look at the model after each."""
    train, _ = digits(n_train=n_steps * 32, n_valid=1)
    encoding = Encoding("current", n_steps=8, gain=0.5)
    neuron = LIF(du=1, dv=0.1)
    model = sparse_classifier(
        SIZES, neuron=neuron, input_neuron=LIF(du=1, dv=0), n_active=COUNTS, gain=2
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    rewirer = Rewirer(scheme, model, optimizer, rng=seed)
    rng = np.random.default_rng(0)
    for step in range(n_steps):
        part = train.take(range(32 * step, 32 * step + 32))
        x = torch.from_numpy(np.array(encoding.encode(part.images, rng), dtype=np.float32))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), torch.from_numpy(part.labels.copy())).backward()
        optimizer.step()
        if check is not None:
            check(model)
    return model, rewirer


@pytest.mark.parametrize("recipe", [deep_r, deep_r_global])
def test_the_budget_is_exact_after_every_step_of_real_training(
    recipe: Callable[..., Scheme],
) -> None:
    def check(model: SpikingClassifier) -> None:
        counts = []
        for layer, keys in zip(model.connections, topology(model), strict=True):
            assert isinstance(layer, SparseLinear)
            counts.append(layer.n_active)
            assert len(keys) == layer.n_active == layer.indices.numel() == layer.signs.numel()
            assert (np.diff(keys) > 0).all()
            assert keys[0] >= 0
            assert keys[-1] < layer.n_potential
            assert (layer.weight.detach() * layer.signs >= 0).all()
        assert sum(counts) == sum(COUNTS)
        assert counts == COUNTS or recipe is deep_r_global

    model, rewirer = train_digits(recipe(l1=0.01, temperature=1e-5), check=check)
    assert sum(rewirer.turnover.dropped) == sum(rewirer.turnover.grown) > 50
    if recipe is deep_r_global:
        assert [len(keys) for keys in topology(model)] != COUNTS


@pytest.mark.parametrize("recipe", [deep_r, deep_r_global])
def test_same_seed_same_topology(recipe: Callable[..., Scheme]) -> None:
    scheme = recipe(l1=0.01, temperature=1e-5)
    one, two, other = (train_digits(scheme, 10, seed=seed)[0] for seed in (1, 1, 2))
    assert_same_state(one.state_dict(), two.state_dict())
    assert topology(one) != topology(other)


def test_static_trains_weights_only() -> None:
    model, rewirer = train_digits(static(), 10)
    fresh = sparse_classifier(
        SIZES, neuron=LIF(du=1, dv=0.1), input_neuron=LIF(du=1, dv=0), n_active=COUNTS, gain=2
    )
    assert topology(model) == topology(fresh)
    assert not torch.equal(model.connections[0].weight, fresh.connections[0].weight)
    assert rewirer.turnover.dropped == [0, 0]
