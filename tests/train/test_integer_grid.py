"""Training on the integer grid: passes see the integers, masters learn, the quantiser agrees."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from neurosparse.compare import evaluate
from neurosparse.data import EVALUATION_SEED, Encoding
from neurosparse.errors import ExportLimitError, ParameterError, StorageError, TrainingError
from neurosparse.loihi import IntegerGrid, quantise
from neurosparse.network import LIF, Network, Synapses
from neurosparse.simulate import simulate
from neurosparse.sparsify import deep_r
from neurosparse.train import (
    LIFLayer,
    SparseLinear,
    SpikingClassifier,
    SpikingLayer,
    dense_ann,
    dense_classifier,
    fit,
    mask_layers,
    on_grid,
    predict,
    sparse_classifier,
)
from tests.train.agreement import assert_same_state, digits
from tests.train.short_runs import adam

RATE = Encoding("rate", n_steps=12)
N_STEPS, BATCH = 10, 6
SIZES = (14, 12, 5)
GRIDS = [
    IntegerGrid(),
    IntegerGrid(num_weight_bits=3, percentile=90),
    IntegerGrid(scale="projection", num_weight_bits=4, keep_small=True),
    IntegerGrid(num_weight_bits={"input->hidden1": 2}),
]


def sparse(neuron: LIF, seed: int = 0) -> SpikingClassifier:
    return sparse_classifier(SIZES, neuron=neuron, density=0.5, gain=2, rng=seed)


def masked(neuron: LIF, seed: int = 0) -> SpikingClassifier:
    model = sparse(neuron, seed)
    mask_layers(model)
    return model


def dense(neuron: LIF, seed: int = 0) -> SpikingClassifier:
    return dense_classifier(SIZES, neuron=neuron, gain=2, rng=seed)


def recurrent(neuron: LIF, seed: int = 0) -> SpikingClassifier:
    rng = np.random.default_rng(seed)
    own = SparseLinear(12, 12, density=0.3, gain=1, rng=rng)
    first = LIFLayer(12, neuron, recurrent=own, recurrent_delay=2)
    return SpikingClassifier(
        [
            SpikingLayer(SparseLinear(14, 12, density=0.5, gain=2, rng=rng), first, delay=3),
            SpikingLayer(SparseLinear(12, 5, density=0.7, gain=2, rng=rng), LIFLayer(5, neuron)),
        ]
    )


MODELS = [sparse, masked, dense, recurrent]
Make = Callable[..., SpikingClassifier]


def spikes_in(seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(N_STEPS, BATCH, SIZES[0], generator=generator) < 0.4).float()


def simulated(network: Network, x: torch.Tensor) -> list[np.ndarray]:
    """Run sample by sample; return every population's (n_steps, batch, size)."""
    trains: dict[str, list[np.ndarray]] = {name: [] for name in network.populations}
    for k in range(x.shape[1]):
        n_steps = N_STEPS + network.latency
        run = simulate(network, {"input": x[:, k].numpy()}, n_steps, dtype=np.float32)
        for name, rows in trains.items():
            first = list(trains).index(name)  # a step per layer, whatever the delays
            rows.append(run.spikes[name].raster()[first : first + N_STEPS])
    return [np.stack(rows, axis=1) for rows in trains.values()]


def on_the_grid(model: SpikingClassifier, grid: IntegerGrid, x: torch.Tensor) -> list[np.ndarray]:
    with torch.no_grad(), on_grid(model, grid):
        return [train.to_tensor().numpy() for train in model.spikes(x)]


# ------------------------------------------------------------------ what passes see


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("grid", GRIDS)
def test_passes_see_the_integers_and_masters_stay(make: Make, grid: IntegerGrid) -> None:
    model = make(LIF(du=1.0, dv=0.1, vth=0.9))
    before = copy.deepcopy(model.state_dict())
    neurons = [layer.neurons.neuron for layer in model.layers]
    wanted = grid(model.to_network())
    with on_grid(model, grid):
        inside = model.to_network()
    assert [p.synapses for p in inside.projections] == [p.synapses for p in wanted.projections]
    assert [p.neuron for p in inside.populations.values()] == [
        p.neuron for p in wanted.populations.values()
    ]
    assert any(
        not np.array_equal(a.synapses.weights, b.synapses.weights)
        for a, b in zip(inside.projections, model.to_network().projections, strict=True)
    )
    assert_same_state(before, model.state_dict())
    for layer, neuron in zip(model.layers, neurons, strict=True):
        assert layer.neurons.neuron is neuron


@pytest.mark.parametrize("make", [sparse, masked, recurrent])
@pytest.mark.parametrize("grid", GRIDS)
def test_spikes_are_those_of_the_dequantised_network(make: Make, grid: IntegerGrid) -> None:
    model = make(LIF(du=0.6, dv=0.1, vth=0.9))
    ours = on_the_grid(model, grid, spikes_in())
    theirs = simulated(grid(model.to_network()), spikes_in())
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    assert 0.02 < ours[-1].mean() < 0.9


@given(
    seed=st.integers(0, 2**20),
    vth=st.floats(0.4, 2.0),
    bits=st.integers(2, 8),
    percentile=st.sampled_from([100.0, 90.0]),
)
def test_spikes_are_those_of_the_integers_where_nothing_decays(
    seed: int, vth: float, bits: int, percentile: float
) -> None:
    """Without decay the integer engine rounds nothing, so every spike must be the same."""
    model = sparse(LIF(du=1.0, dv=0.0, vth=vth), seed)
    grid = IntegerGrid(num_weight_bits=bits, percentile=percentile)
    ours = on_the_grid(model, grid, spikes_in(seed))
    options: dict[str, Any] = {"num_weight_bits": bits, "percentile": percentile}
    theirs = simulated(quantise(model.to_network(), **options).network, spikes_in(seed))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", MODELS)
def test_gradients_are_those_at_the_grid(make: Make) -> None:
    neuron = LIF(du=1.0, dv=0.1, vth=0.9)
    model, grid = make(neuron), IntegerGrid(num_weight_bits=3)
    labels = torch.arange(BATCH) % SIZES[-1]
    with on_grid(model, grid):
        there = copy.deepcopy(model)  # holds the grid's numbers for good
        nn.functional.cross_entropy(model(spikes_in()), labels).backward()
    nn.functional.cross_entropy(there(spikes_in()), labels).backward()
    for ours, theirs in zip(model.parameters(), there.parameters(), strict=True):
        assert ours.grad is not None
        assert theirs.grad is not None
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=0)
        assert ours.grad.abs().sum() > 0


def test_masters_come_back_after_an_error() -> None:
    model = sparse(LIF())
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(RuntimeError, match="mine"), on_grid(model, IntegerGrid()):
        raise RuntimeError("mine")
    assert_same_state(before, model.state_dict())


# ------------------------------------------------------------------ training


def trained(epochs: int, n_train: int = 200) -> SpikingClassifier:
    """A small network for digits; without decay, so that integers and floats agree exactly."""
    train, _ = digits(n_train, 1)
    neuron = LIF(du=1, dv=0.0, vth=1)
    model = sparse_classifier([64, 60, 10], neuron=neuron, density=0.3, gain=2, rng=0)
    fit(model, train, encoding=RATE, epochs=epochs, optimizer=adam(0.02), progress=False)
    return model


def accuracy(network: Network) -> float:
    """Of the first 300 test images in the engine; ``predict`` sees the same spikes."""
    _, test = digits(1, 300)
    parts, rng = [], np.random.default_rng(EVALUATION_SEED)
    for start in range(0, 300, 256):
        chosen = np.arange(start, min(300, start + 256))
        encoded = RATE.encode(test.samples(chosen), rng)
        parts.append(evaluate(network, encoded, test.labels[chosen]).predictions)
    return float((np.concatenate(parts) == test.labels).mean())


def test_fine_tuning_mends_a_coarse_network() -> None:
    """What it is for: with 2 bits of mixed sign weights are -2, -1, 0 or 1 steps."""
    train, valid = digits(1000, 300)
    model, grid = trained(10, 1000), IntegerGrid(num_weight_bits=2, percentile=80)
    whole = accuracy(model.to_network())
    before = accuracy(grid.quantise(model.to_network()).network)
    history = fit(
        model,
        train,
        valid=valid,
        encoding=RATE,
        grid=grid,
        epochs=5,
        optimizer=adam(0.01),
        keep="last",
        progress=False,
    )
    network = model.to_network()
    after = accuracy(grid.quantise(network).network)
    assert whole > before + 0.2  # 0.92 and 0.58 measured
    assert after > before + 0.15  # 0.84 measured
    # what validation saw is what the chip will do, and what is left are the masters
    assert history.epochs[-1].valid_accuracy == after
    with on_grid(model, grid):
        assert float((predict(model, valid, RATE) == valid.labels).mean()) == after
    weights = network.projections[0].synapses.weights
    assert (
        np.unique(weights).size
        > 50
        > 4
        >= np.unique(grid(network).projections[0].synapses.weights).size
    )


def test_rewiring_goes_on_beside_the_grid() -> None:
    train, _ = digits(200, 1)
    model = trained(1)
    before = [p.synapses for p in model.to_network().projections]
    history = fit(
        model,
        train,
        encoding=RATE,
        scheme=deep_r(l1=0.01, temperature=1e-5),
        grid=IntegerGrid(num_weight_bits=4),
        optimizer=adam(0.02),
        epochs=2,
        progress=False,
    )
    after = [p.synapses for p in model.to_network().projections]
    assert [s.n_active for s in after] == [s.n_active for s in before]
    assert sum(history.epochs[-1].dropped) == sum(history.epochs[-1].grown) > 0


def short(model: SpikingClassifier, epochs: int, **options: Any) -> None:
    train, _ = digits(200, 1)
    usual = {"grid": IntegerGrid(num_weight_bits=3), "optimizer": adam(0.01)}
    fit(model, train, encoding=RATE, epochs=epochs, progress=False, **{**usual, **options})


def test_same_seed_same_result_and_resumed_too(tmp_path: Path) -> None:
    first, second, third = (trained(1) for _ in range(3))
    short(first, 3)
    short(second, 3)
    assert_same_state(first.state_dict(), second.state_dict())
    short(third, 1, checkpoint=tmp_path / "c")
    third = trained(1)
    short(third, 3, checkpoint=tmp_path / "c", resume=True)
    assert_same_state(first.state_dict(), third.state_dict())
    with pytest.raises(StorageError, match="belongs to another run"):
        short(third, 4, checkpoint=tmp_path / "c", resume=True, grid=IntegerGrid())
    with pytest.raises(StorageError, match="belongs to another run"):
        short(third, 4, checkpoint=tmp_path / "c", resume=True, grid=None)


def test_any_rounding_will_do() -> None:
    """A grid is a function of a network: here multiples of 1/4."""

    def quarters(network: Network) -> Network:
        return network.with_synapses(
            {
                p.name: p.synapses.with_weights(np.round(4 * p.synapses.weights) / 4)
                for p in network.projections
            }
        )

    seen: list[float] = []
    model = trained(1)
    model.layers[0].register_forward_pre_hook(
        lambda layer, _: seen.extend(layer.connection.weight.detach().tolist())
    )
    short(model, 1, grid=quarters)
    assert len(seen) > 1000
    assert {4 * value % 1 for value in seen} == {0.0}


# ------------------------------------------------------------------ bad input


def test_what_has_no_integers_is_refused_before_a_step() -> None:
    train, _ = digits(50, 1)
    with pytest.raises(ParameterError, match=r"needs a SpikingClassifier.*Sequential"):
        fit(dense_ann([64, 10]), train, grid=IntegerGrid(), progress=False)
    model = sparse_classifier([64, 10], neuron=LIF(reset="subtract"), density=0.5)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ExportLimitError, match="reset='subtract'"):
        fit(model, train, encoding=RATE, grid=IntegerGrid(), progress=False)
    assert_same_state(before, model.state_dict())


def test_a_grid_must_keep_synapses() -> None:
    model = sparse(LIF())

    def prune(network: Network) -> Network:
        few = Synapses.random(12, 5, density=0.1, rng=np.random.default_rng(0))
        return IntegerGrid()(network).with_synapses({"hidden1->output": few})

    before = copy.deepcopy(model.state_dict())
    context = on_grid(model, prune)
    with pytest.raises(ParameterError, match="grid: gave 6 synapses for the 30 of 'hidden1->out"):
        context.__enter__()
    assert_same_state(before, model.state_dict())


def test_divergence_leaves_the_masters_of_the_last_epoch() -> None:
    model = trained(1)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(TrainingError, match="not finite in epoch 1, batch"):
        short(model, 1, loss=lambda logits, labels: logits.sum() * torch.inf)
    assert_same_state(before, model.state_dict())
