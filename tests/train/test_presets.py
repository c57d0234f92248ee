from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.errors import ParameterError
from neurosparse.train import PRESETS, find_preset

PRESET_NAMES = sorted(PRESETS)


def potential(name: str) -> list[int]:
    return [a * b for a, b in itertools.pairwise(PRESETS[name].sizes)]


@given(name=st.sampled_from(PRESET_NAMES), density=st.floats(1e-3, 1.0))
def test_a_budget_is_met_to_the_synapse(name: str, density: float) -> None:
    budget = PRESETS[name].budget(density)
    assert sum(budget) == round(density * sum(potential(name)))
    assert all(1 <= k <= n for k, n in zip(budget, potential(name), strict=True))


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_a_preset_keeps_its_own_budget(name: str) -> None:
    preset = PRESETS[name]
    assert preset.budget(preset.density) == preset.n_active
    assert list(preset.budget(1.0)) == potential(name)


@pytest.mark.parametrize("density", [0.0, -0.1, 1.01, float("nan")])
def test_a_density_out_of_range(density: float) -> None:
    with pytest.raises(ParameterError, match=r"density: got .*; allowed is 0 < value <= 1"):
        PRESETS["digits"].budget(density)


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_the_learning_rate_is_constant_then_annealed(name: str) -> None:
    import torch

    preset = PRESETS[name]
    options = preset.fit_options(2, 30)
    optimizer = options["optimizer"]([torch.nn.Parameter(torch.zeros(1))])
    schedule = options["schedule"](optimizer)
    rates = []
    for _ in range(30):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    n_constant = round(30 * preset.constant)
    assert rates[: n_constant + 1] == [preset.learning_rates[2]] * (n_constant + 1)
    assert all(after < before for before, after in itertools.pairwise(rates[n_constant:]))
    assert rates[-1] < 0.05 * rates[0]


@pytest.mark.parametrize(("prior", "expected"), [(True, 0.0), (False, 3e-4)])
def test_weights_decay_where_there_is_no_prior(prior: bool, expected: float) -> None:
    import torch

    preset = dataclasses.replace(PRESETS["digits"], weight_decay=3e-4)
    optimizer = preset.fit_options(2, prior=prior)["optimizer"](
        [torch.nn.Parameter(torch.zeros(1))]
    )
    assert [group["weight_decay"] for group in optimizer.param_groups] == [expected]


def test_the_preset_goes_by_the_inputs() -> None:
    assert find_preset(784) is PRESETS["mnist"]
    with pytest.raises(ParameterError, match="100 inputs; there are presets for 64, 784, 2312"):
        find_preset(100)
