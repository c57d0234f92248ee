"""One cell: deterministic, complete, and its numbers are those of the parts it is made of."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

from neurosparse.compare import evaluate_dataset
from neurosparse.data import load_dataset
from neurosparse.sparsify import CATALOGUE, Scheme, find_recipe
from neurosparse.sweep import EPOCH_COLUMNS, RESULT_COLUMNS, Attack, Row, Study, run_cell
from neurosparse.sweep.ever_active import EverActive
from neurosparse.sweep.training import train_cell
from neurosparse.train import SparseLinear, find_preset, fit, predict, robust_accuracy
from tests.sweep.conftest import without_times

STUDY = Study(["deep_r"], [0.05], [3], epochs=2, n_train=130, n_test=60)


def row_of(scheme: str = "deep_r", **changes: Any) -> Row:
    """Run the one cell of a small study."""
    (cell,) = dataclasses.replace(STUDY, schemes=[scheme], **changes).cells()
    return run_cell(cell)


@pytest.mark.parametrize("model", ["snn", "ann"])
def test_rows_are_complete_and_the_same_every_time(model: str) -> None:
    row = row_of(model=model)
    assert set(row) == {column.name for column in RESULT_COLUMNS} | {"epoch_rows"}
    for epoch in row["epoch_rows"]:
        assert list(epoch) == [column.name for column in EPOCH_COLUMNS]
    kinds = {"text": str, "whole": int, "number": int | float}
    for column in RESULT_COLUMNS:
        assert row[column.name] is None or isinstance(row[column.name], kinds[column.kind])
    assert without_times([row_of(model=model)]) == without_times([row])
    assert without_times([row_of(model=model, seeds=[4])]) != without_times([row])


@pytest.mark.parametrize("name", list(CATALOGUE))
@pytest.mark.parametrize("model", ["snn", "ann"])
def test_every_recipe_gives_what_was_asked_for(name: str, model: str) -> None:
    row = row_of(name, model=model, attack=None)
    recipe = find_recipe(name)
    budget = sum(find_preset(64).budget(0.05))
    last = [epoch for epoch in row["epoch_rows"] if epoch["epoch"] == 2]
    assert row["synapses"] == sum(epoch["synapses"] for epoch in last)
    assert row["potential_synapses"] == sum(epoch["potential_synapses"] for epoch in last)
    assert row["effective_synapses"] <= row["synapses"]
    assert row["ever_active"] >= row["synapses"]
    assert (row["starts"], row["state"] == "dense") == (recipe.starts, recipe.dense_state)
    if recipe.ends_dense:
        assert row["final_density"] == 1
    elif not recipe.dense_state:  # others may end near it, or where the data leave them
        assert row["synapses"] == budget
    if recipe.starts == "sparse" and not recipe.dense_state:
        assert row["r_s"] < 1


def test_a_static_network_never_moves() -> None:
    row = row_of("static")
    assert (row["dropped"], row["grown"], row["ever_active"]) == (0, 0, row["synapses"])


def test_numbers_of_a_spiking_network() -> None:
    row = row_of()
    (cell,) = STUDY.cells()
    model: Any = train_cell(cell).model
    network, preset = model.to_network(), find_preset(64)
    test = load_dataset("digits", seed=3)[1].take(np.arange(60))
    found = evaluate_dataset(network, test, preset.encoding)
    assert row["test_accuracy"] == found.accuracy
    assert row["synaptic_events"] == found.activity.total_synaptic_events / 60
    assert row["neuron_updates"] == found.activity.total_neuron_updates / 60
    assert (row["macs"], row["n_train"], row["n_test"]) == (0, 117, 60)
    assert row["learning_rate"] == preset.learning_rates[2]


def test_numbers_of_a_relu_network() -> None:
    row = row_of(model="ann")
    (cell,) = dataclasses.replace(STUDY, model="ann").cells()
    model = train_cell(cell).model
    test = load_dataset("digits", seed=3)[1].take(np.arange(60))
    assert row["test_accuracy"] == float((predict(model, test) == test.labels).mean())
    assert row["macs"] == row["synapses"]
    assert (row["synaptic_events"], row["neuron_updates"]) == (0, 0)
    # 4.6 pJ per multiply-accumulate in 45 nm (Horowitz 2014)
    assert row["energy_joule"] == pytest.approx(4.6e-12 * row["synapses"])


def test_robust_accuracy_is_that_of_the_attack() -> None:
    from neurosparse.train import PGD

    attack = Attack("pgd", 0.2, 3)
    row = row_of(attack=attack, n_test=30)
    (cell,) = dataclasses.replace(STUDY, attack=attack, n_test=30).cells()
    trained = train_cell(cell)
    expected = robust_accuracy(
        trained.model, trained.test, trained.preset.encoding, attack=PGD(0.2, n_steps=3), seed=3
    )
    assert row["robust_accuracy"] == expected
    assert (row["attack"], row["attack_eps"], row["attack_steps"]) == ("pgd", 0.2, 3)
    assert row_of()["robust_accuracy"] is None


@pytest.mark.parametrize("objective", ["adversarial", "mixed", "trades", "mart"])
def test_training_against_an_attack_changes_the_network(objective: str) -> None:
    row = row_of(objective=objective, attack=Attack("fgsm", 0.1), model="ann", epochs=1)
    assert row["objective"] == objective
    assert row["loss"] != row_of(model="ann", epochs=1)["loss"]


def test_settings_overrule_the_preset() -> None:
    row = row_of(epochs=1, batch_size=50, learning_rates=(0.03, 0.001), valid_share=0.0)
    assert (row["epochs"], row["batch_size"], row["learning_rate"]) == (1, 50, 0.03)
    assert (row["valid_accuracy"], row["n_train"]) == (None, 130)
    full = row_of("gmp", epochs=1, learning_rates=(0.03, 0.001))
    assert full["learning_rate"] == 0.001
    # a network that has every synapse is a dense one, whatever keeps it so
    dense = row_of("static", densities=[1.0], epochs=1, learning_rates=(0.03, 0.001))
    assert (dense["learning_rate"], dense["final_density"]) == (0.001, 1.0)


@pytest.mark.parametrize(
    ("scheme", "density", "rate"),
    [("deep_r", 0.05, 0.03), ("gmp", 0.05, 0.001), ("static", 1.0, 0.001)],
)
def test_relu_networks_have_two_rates_too(scheme: str, density: float, rate: float) -> None:
    changes: dict[str, Any] = {"densities": [density], "model": "ann", "epochs": 1}
    row = row_of(scheme, learning_rates=(0.03, 0.001), **changes)
    assert row["learning_rate"] == row["epoch_rows"][0]["learning_rate"] == rate
    usual = row_of(scheme, **changes)
    assert usual["learning_rate"] == find_preset(64).learning_rates[0]
    assert usual["loss"] != row["loss"]


@pytest.mark.parametrize("model", ["snn", "ann"])
def test_at_a_density_of_1_training_starts_full(model: str) -> None:
    row = row_of("deep_r", densities=[1.0], model=model, epochs=1)
    assert (row["starts"], row["ever_active"]) == ("full", row["potential_synapses"])
    assert row_of("deep_r", model=model, epochs=1)["starts"] == "sparse"


def test_weights_decay_unless_the_scheme_has_a_prior() -> None:
    """DEEP R pulls weights to zero itself; the others are given the penalty of the study."""
    for scheme, has_prior in (("set", False), ("deep_r", True), ("bayesian_connectivity", True)):
        assert find_recipe(scheme).prior is has_prior
        plain, decayed = row_of(scheme, epochs=1), row_of(scheme, epochs=1, weight_decay=0.1)
        assert (plain["loss"] == decayed["loss"]) is has_prior


def test_ever_active_is_the_union_of_all_connectivity() -> None:
    """Against sets of what the scheme itself says it grows."""
    preset = find_preset(64)
    model = preset.sparse_model(0, (300, 400, 100))
    layers = [module for module in model.modules() if isinstance(module, SparseLinear)]
    seen = [set(layer.keys().tolist()) for layer in layers]

    class Told(Scheme):
        def step(self, *arguments: Any) -> Any:
            rewirings = super().step(*arguments)
            for rewiring, known in zip(rewirings, seen, strict=True):
                if rewiring is not None:
                    known.update(rewiring.born.tolist())
            return rewirings

    recipe = preset.scheme()
    scheme = Told(*(getattr(recipe, field.name) for field in dataclasses.fields(Scheme)))
    ever = EverActive(model)
    options = {**preset.fit_options(2, 3), "optimizer": ever.watch(torch.optim.Adam)}
    train = load_dataset("digits")[0].take(np.arange(200))
    grown: list[int] = []
    fit(
        model,
        train,
        encoding=preset.encoding,
        scheme=scheme,
        logs=[ever, lambda _: grown.append(sum(map(len, seen)))],
        progress=False,
        **options,
    )
    assert ever.per_epoch[-1] == [len(known) for known in seen]
    assert [sum(counts) for counts in ever.per_epoch] == grown
    assert grown[-1] > 800
