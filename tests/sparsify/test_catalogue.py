"""The catalogue: every recipe by name, documented, and fit for a training of any length."""

from __future__ import annotations

import inspect
import math
import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse import sparsify
from neurosparse.errors import ParameterError
from neurosparse.sparsify import CATALOGUE, MaskScheme, Plan, Scheme, find_recipe

FUNCTIONS = {"set": "set_", "random": "random_rewiring"}  # the rest go by their own names
CONTROLS = {"static", "random", "random_pruning"}  # of nobody's paper
FINAL = (100, 40)
POTENTIAL = [1000, 500]


def plan_of(n_steps: int, **options: Any) -> Plan:
    """Return a plan of two layers and of so many steps."""
    usual = {"n_active": FINAL, "epochs": 1, "steps_per_epoch": n_steps, "n_patterns": 100}
    return Plan(**{"n_potential": sum(POTENTIAL), **usual, **options})


def function_of(name: str) -> Any:
    return getattr(sparsify, FUNCTIONS.get(name, name))


@pytest.mark.parametrize("name", CATALOGUE)
def test_entries_say_what_they_are(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.name == name
    assert recipe.starts in ("sparse", "full")
    assert recipe.what.strip() == recipe.what
    assert 10 < len(recipe.what) < 100
    assert "\n" not in recipe.what
    assert (recipe.paper == "-") == (name in CONTROLS)
    # what starts full holds all of them at some time
    assert recipe.dense_state or recipe.starts == "sparse"


@pytest.mark.parametrize(
    ("scheme", "learning_rate", "deviation"),
    [
        (sparsify.deep_r(), 0.5, 0.5 * 1e-5),
        (sparsify.deep_r_global(), 0.5, 0.5 * 1e-5),
        (sparsify.bayesian_connectivity(), 0.1, 0.1 * 1e-6),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_default_noise_is_that_of_the_reference_scripts(
    scheme: Scheme, learning_rate: float, deviation: float
) -> None:
    """Learning rate times ``gdnoise`` there, ``sqrt(2 eta T)`` here."""
    noise: Any = scheme.noise
    assert math.sqrt(2 * learning_rate * noise.temperature) == pytest.approx(deviation)


@pytest.mark.parametrize("learning_rate", [0.1, 3e-3])
def test_the_gaussian_prior_pulls_as_in_the_authors_code(learning_rate: float) -> None:
    """5e-4 of a weight, times a learning rate of 0.1, per step; whatever the rate is here."""
    scheme: Any = find_recipe("bayesian_connectivity").make(
        plan_of(100, learning_rate=learning_rate)
    )
    assert learning_rate * scheme.noise.l2 == pytest.approx(0.1 * 5e-4)
    given: Any = find_recipe("bayesian_connectivity").make(plan_of(100, l2=0.3))
    assert given.noise.l2 == 0.3


@pytest.mark.parametrize("name", CATALOGUE)
def test_functions_are_documented(name: str) -> None:
    doc = inspect.getdoc(function_of(name))
    assert doc
    first, *_ = doc.splitlines()
    assert first.endswith(".")
    assert "Returns\n-------\n" in doc
    if inspect.signature(function_of(name)).parameters:
        assert "Parameters\n----------\n" in doc
    for parameter in inspect.signature(function_of(name)).parameters:
        assert parameter in doc
    if name not in CONTROLS:
        assert "References\n----------\n" in doc
        paper = doc.split("References\n----------\n")[1]
        years = re.findall(r"\d{4}", CATALOGUE[name].paper)
        assert years
        assert any(year in paper for year in years)


@pytest.mark.parametrize("name", CATALOGUE)
@given(n_steps=st.integers(30, 100_000))
def test_every_length_of_training(name: str, n_steps: int) -> None:
    scheme = CATALOGUE[name].make(plan_of(n_steps))
    assert isinstance(scheme, Scheme | MaskScheme)
    assert scheme.name == name
    assert scheme.schedule.start <= n_steps


@pytest.mark.parametrize("name", ["gmp", "one_shot", "random_pruning", "iht", "dsd", "dpf"])
@given(n_steps=st.integers(30, 3000))
def test_what_is_planned_is_there_in_the_end(name: str, n_steps: int) -> None:
    """By the last step with an exchange, and not only in trainings of a round number of steps."""
    scheme: Any = CATALOGUE[name].make(plan_of(n_steps))
    target = scheme.choose.target if name == "dpf" else scheme.drop.target
    layers: Any = [SimpleNamespace(n_potential=n) for n in POTENTIAL]
    last = max(step for step in range(n_steps) if scheme.schedule.due(step))
    expected = POTENTIAL if CATALOGUE[name].ends_dense else list(FINAL)
    assert target.counts(layers, last).tolist() == expected


@given(st.integers(1, 50), st.integers(1, 500), st.floats(0, 1), st.integers(1, 500))
def test_a_plan_counts_steps(epochs: int, per_epoch: int, share: float, most: int) -> None:
    plan = plan_of(per_epoch, epochs=epochs)
    assert plan.n_steps == epochs * per_epoch
    assert 0 <= plan.at(share) <= plan.n_steps
    assert abs(plan.at(share) - share * plan.n_steps) <= 0.5
    assert 1 <= plan.period(most) <= most


def test_the_density_of_a_plan() -> None:
    assert plan_of(10).density == pytest.approx(140 / 1500)
    assert plan_of(10, n_active=(2000, 2000)).density == 1


@pytest.mark.parametrize("name", ["epochs", "steps_per_epoch", "n_potential", "n_patterns"])
@pytest.mark.parametrize("bad", [0, -1, 1.5])
def test_bad_plans(name: str, bad: Any) -> None:
    with pytest.raises(ParameterError, match=f"{name}: got {bad}; allowed is a whole number >= 1"):
        plan_of(10, **{name: bad})


def test_names_nobody_knows() -> None:
    with pytest.raises(ParameterError, match="scheme: got 'deepr'; allowed is static, deep_r, "):
        find_recipe("deepr")
    with pytest.raises(ParameterError, match="scheme: got 'SET'; allowed is"):
        find_recipe("SET")
