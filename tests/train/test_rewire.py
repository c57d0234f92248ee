"""Rewirer and optimisers: slots stay with their synapses, newborns start afresh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurosparse.errors import ParameterError, StorageError
from neurosparse.sparsify import (
    Context,
    DaleSigns,
    FixedSigns,
    LayerDropRule,
    LayerView,
    Scheme,
    deep_r,
)
from neurosparse.sparsify.drop_kernels import are_ascending
from neurosparse.sparsify.exchange_kernels import place_newborns, settle
from neurosparse.sparsify.grow_kernels import draw_free, merge_distinct
from neurosparse.sparsify.moving_kernels import move_serial
from neurosparse.train import Rewirer, SparseLinear
from tests.train.rewiring import by_key, layer_and_loss, rewire_once

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


def test_a_trained_layer_comes_with_the_signs_that_its_weights_have() -> None:
    """Weights cross zero where no scheme holds them; that is no reason to drop them later."""
    layer = SparseLinear(30, 20, density=0.5, rng=0)
    with torch.no_grad():
        layer.weight[::3] *= -1
        layer.weight[1] = 0.0
    kept = int(layer.signs[1])
    optimizer = torch.optim.SGD([layer.weight], lr=1e-9)
    rewirer = Rewirer(deep_r(l1=0, temperature=0), layer, optimizer)
    expected = torch.sign(layer.weight.detach())
    expected[1] = kept
    assert layer.signs.tolist() == expected.tolist()
    layer(torch.ones(2, 30)).sum().backward()
    optimizer.step()
    assert sum(rewirer.turnover.take().dropped) <= 1  # the weight at 0 may have moved below


class Spy(LayerDropRule):
    """A drop rule that notes what it saw: the state between the step and the exchange."""

    def __init__(self, layer: SparseLinear, optimizer: torch.optim.Optimizer) -> None:
        self.layer, self.optimizer = layer, optimizer
        self.before: dict[str, dict[int, float]] = {}
        self.survivors: set[int] = set()

    def choose(self, layer: LayerView, context: Context) -> Any:
        goes = context.rng.random(layer.n_active) < 0.2
        self.before = by_key(self.layer, self.optimizer)
        self.survivors = set(layer.keys[~goes].tolist())
        return np.flatnonzero(goes)


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
        assert len(after) > 1, "the test has seen no slot"


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


def test_memory_of_two_names_is_moved_once() -> None:
    """As where an optimiser keeps one tensor in two slots."""
    layer, _ = layer_and_loss()
    optimizer = torch.optim.SGD([layer.weight], lr=0.0)
    Rewirer(deep_r(l1=0, temperature=0), layer, optimizer)
    shared = torch.arange(1.0, 41.0)
    optimizer.state[layer.weight].update(one=shared, other=shared)
    number = dict(zip(layer.keys().tolist(), shared.tolist(), strict=True))
    rewire_once(layer, optimizer)
    found = dict(zip(layer.keys().tolist(), shared.tolist(), strict=True))
    assert 0 < sum(value == 0 for value in found.values()) < 30
    assert all(value in (0, number.get(key)) for key, value in found.items())


def test_arrays_with_gaps_are_moved_too() -> None:
    layer, _ = layer_and_loss()
    optimizer = torch.optim.SGD([layer.weight], lr=0.0)
    Rewirer(deep_r(l1=0, temperature=0), layer, optimizer)
    optimizer.state[layer.weight]["slot"] = torch.arange(80.0)[::2]
    wide = layer.weight.detach().repeat_interleave(3)
    layer.weight.data = wide[::3]
    number = by_key(layer, optimizer)["slot"]
    rewire_once(layer, optimizer)
    found = by_key(layer, optimizer)["slot"]
    assert layer.n_active == len(found) == 40
    assert all(value in (0, number.get(key)) for key, value in found.items())
    assert (layer.weight.detach() * layer.signs >= 0).all()


def test_the_learning_rate_is_that_of_a_loaded_optimiser() -> None:
    layer, _ = layer_and_loss()
    optimizer = torch.optim.SGD([layer.weight], lr=0.5)
    Rewirer(deep_r(l1=1e-3, temperature=0), layer, optimizer)
    state = optimizer.state_dict()
    state["param_groups"][0]["lr"] = 0.01
    optimizer.load_state_dict(state)  # makes new groups
    before = layer.weight.detach().clone()
    layer.weight.grad = torch.zeros_like(layer.weight)
    optimizer.step()
    torch.testing.assert_close(layer.weight.detach(), before - 1e-5 * layer.signs)


def test_the_kernels_are_compiled_once_for_all_optimisers() -> None:
    if not hasattr(settle, "signatures"):
        pytest.skip("not compiled")
    for name in ("SGD", "Adam", "Rprop"):
        layer, loss = layer_and_loss()
        optimizer = OPTIMIZERS[name]([layer.weight])
        Rewirer(deep_r(temperature=1e-3), layer, optimizer)
        for _ in range(3):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
    kernels: list[Any] = [
        move_serial,
        place_newborns,
        settle,
        draw_free,
        merge_distinct,
        are_ascending,
    ]
    for kernel in kernels:
        assert len(kernel.signatures) == 1
