"""Noise, lost synapses, and the accuracies under all disturbances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurosparse.data import Encoding, EventDataset, ImageDataset
from neurosparse.errors import ParameterError
from neurosparse.network import LIF
from neurosparse.train import (
    FGSM,
    PGD,
    SparseLinear,
    add_noise,
    adversarial_images,
    dense_ann,
    evaluate_robustness,
    fit,
    lose_synapses,
    predict,
    robust_accuracy,
    sparse_classifier,
)
from neurosparse.train.masked_linear import MaskedLinear
from tests.train.agreement import assert_same_state, dense_of, digits
from tests.train.short_runs import RATE, adam, small_model

EVENTS = EventDataset("two", [0, 5, 2], [1, 7, 0], [0, 2, 3], [0, 1], 2, (2, 2, 2))


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# ------------------------------------------------------------------ noise


def test_noise_is_gaussian_and_clipped() -> None:
    grey = ImageDataset("grey", np.full((400, 64), 0.5), np.zeros(400, int), 1, (8, 8))
    noisy = add_noise(grey, 0.1, generator())
    change = noisy.images - 0.5
    assert change.std() == pytest.approx(0.1, rel=0.02)
    assert abs(change.mean()) < 0.002
    assert (grey.images == 0.5).all()
    wild = add_noise(grey, 5.0, generator()).images
    assert (wild.min(), wild.max()) == (0, 1)
    assert (wild == 0).mean() == pytest.approx(0.46, abs=0.02)  # P(N(0, 1) < -0.1)


def test_no_noise_changes_nothing() -> None:
    data, _ = digits(20, 1)
    np.testing.assert_array_equal(add_noise(data, 0, generator()).images, data.images)


def test_bad_noise() -> None:
    data, _ = digits(5, 1)
    for std in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ParameterError, match=r"std: got .*; allowed is >= 0, finite"):
            add_noise(data, std, generator())
    with pytest.raises(ParameterError, match=r"data: got EventDataset.*noise is added to pixels"):
        add_noise(EVENTS, 0.1, generator())  # type: ignore[arg-type]


# ------------------------------------------------------------------ lost synapses


def recurrent_model() -> nn.Module:
    return sparse_classifier(
        [64, 40, 10],
        neuron=LIF(du=1, dv=0.1),
        n_active=[300, 100],
        recurrent_density=0.1,
        gain=2,
    )


@pytest.mark.parametrize("share", [0.0, 0.005, 0.3, 1.0])
def test_exactly_so_many_synapses_are_lost(share: float) -> None:
    model = recurrent_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    damaged = lose_synapses(model, share, generator())
    assert_same_state(model.state_dict(), before)
    n_left = 0
    for one, two in zip(model.modules(), damaged.modules(), strict=True):
        if not isinstance(one, SparseLinear):
            continue
        assert isinstance(two, SparseLinear)
        n_left += two.n_active
        whole, rest = dense_of(one), dense_of(two)
        # what is left has its weight and its sign, what is lost is gone
        assert torch.equal(rest[rest != 0], whole[rest != 0])
        assert set(two.keys().tolist()) <= set(one.keys().tolist())
        kept = np.isin(one.keys(), two.keys())
        assert two.signs.tolist() == one.signs.numpy()[kept].tolist()
    total = 300 + 100 + 160
    assert n_left == total - round(share * total)
    raster = (torch.rand(5, 3, 64) < 0.3).float()
    assert damaged(raster).shape == (3, 10)


def test_every_synapse_is_as_likely_to_be_lost() -> None:
    model = nn.Sequential(
        SparseLinear(6, 5, n_active=20), nn.ReLU(), SparseLinear(5, 2, n_active=5)
    )
    survived = np.zeros(25)
    n_draws = 2000
    for draw in range(n_draws):
        damaged = lose_synapses(model, 0.4, generator(draw))
        offset = 0
        for one, two in zip(model, damaged, strict=True):
            if isinstance(one, SparseLinear):
                assert isinstance(two, SparseLinear)
                survived[offset : offset + one.n_active] += np.isin(one.keys(), two.keys())
                offset += one.n_active
    # 0.6 of the draws, with a standard deviation of 0.011
    assert np.abs(survived / n_draws - 0.6).max() < 0.05


def test_dense_layers_lose_weights_that_are_not_zero() -> None:
    model = dense_ann([8, 6, 3])
    first: Any = model[0]
    with torch.no_grad():
        first.weight[:, :4] = 0
        first.bias.fill_(0.5)
    damaged = lose_synapses(model, 0.5, generator())
    weights: list[Any] = [damaged[0].weight, damaged[2].weight]
    assert sum(int(weight.count_nonzero()) for weight in weights) == (24 + 18) // 2
    assert torch.equal(damaged[0].bias, first.bias)  # type: ignore[arg-type]
    assert int(first.weight.count_nonzero()) == 24


def test_masked_layers_lose_synapses_too() -> None:
    model = nn.Sequential(MaskedLinear(8, 6, n_active=20))
    damaged = lose_synapses(model, 0.25, generator())
    one: Any = model[0]
    two: Any = damaged[0]
    assert (one.n_active, two.n_active) == (20, 15)
    assert set(two.keys().tolist()) < set(one.keys().tolist())
    assert torch.equal(one.weight, two.weight)


def test_bad_losses() -> None:
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ParameterError, match=r"share: got .*; allowed is 0 <= value <= 1"):
            lose_synapses(small_model(), share, generator())
    with pytest.raises(ParameterError, match="model: no SparseLinear or"):
        lose_synapses(nn.ReLU(), 0.1, generator())


# ------------------------------------------------------------------ all together


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    train, _ = digits(1400, 1)
    model = dense_ann([64, 40, 10])
    fit(model, train, optimizer=adam(0.01), epochs=6, progress=False)
    model.train()
    return model


@pytest.fixture(scope="module")
def trained_snn() -> nn.Module:
    train, _ = digits(1400, 1)
    model = sparse_classifier(
        [64, 60, 10],
        neuron=LIF(du=1, dv=0.1),
        input_neuron=LIF(du=1, dv=0),
        density=0.3,
        gain=2,
    )
    fit(model, train, encoding=CURRENT, optimizer=adam(0.01), epochs=6, progress=False)
    model.train()
    return model


CURRENT = Encoding("current", n_steps=12, gain=0.5)


def test_every_number_is_what_it_says(trained: nn.Module) -> None:
    _, test = digits(1, 350)
    attacks = (FGSM(0.1), PGD(0.1, n_steps=5))
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    result = evaluate_robustness(
        trained, test, attacks=attacks, noise_stds=[0.2], lost_shares=[0.2], n_draws=3, seed=4
    )
    assert trained.training
    assert all(p.grad is None or p.requires_grad for p in trained.parameters())
    assert_same_state(trained.state_dict(), before)

    def accuracy(data: ImageDataset, model: nn.Module = trained) -> float:
        score = float((predict(model, data) == data.labels).mean())
        model.train()
        return score

    assert result.clean == accuracy(test)
    for attack in attacks:
        expected = accuracy(adversarial_images(trained, test, attack, seed=4))
        assert result.attacked[attack] == expected
        assert robust_accuracy(trained, test, attack=attack, seed=4) == expected
    for kind, draws in enumerate((result.noisy[0.2], result.damaged[0.2])):
        scores = []
        for draw in range(3):
            rng = np.random.default_rng(np.random.SeedSequence(4, spawn_key=(kind, draw)))
            scores.append(
                accuracy(add_noise(test, 0.2, rng))
                if kind == 0
                else accuracy(test, lose_synapses(trained, 0.2, rng))
            )
        assert draws == (np.mean(scores), min(scores), max(scores), 3)
    again = evaluate_robustness(
        trained, test, attacks=attacks, noise_stds=[0.2], lost_shares=[0.2], n_draws=3, seed=4
    )
    assert again == result
    assert list(result.to_row()) == [
        "clean",
        "FGSM(eps=0.1)",
        "PGD(eps=0.1, step_size=0.05, n_steps=5, random_start=True)",
        "noise of 0.2",
        "0.2 of synapses lost",
    ]


def test_adversaries_do_more_harm_than_chance(trained: nn.Module, trained_snn: nn.Module) -> None:
    _, test = digits(1, 350)
    for model, encoding in ((trained, None), (trained_snn, CURRENT)):
        attacks = (FGSM(0.15), PGD(0.15))
        result = evaluate_robustness(
            model, test, encoding, attacks=attacks, noise_stds=[0.15], lost_shares=[0.3], n_draws=2
        )
        fgsm, pgd = result.attacked.values()
        assert result.clean > 0.8
        assert result.noisy[0.15].mean > fgsm + 0.1
        assert pgd <= fgsm + 0.02
        assert result.damaged[0.3].mean < result.clean


def test_an_attack_of_next_to_nothing_costs_nothing() -> None:
    """The same spikes are drawn for clean and for attacked images."""
    _, test = digits(1, 300)
    model = small_model()
    result = evaluate_robustness(
        model, test, RATE, attacks=[FGSM(1e-12)], noise_stds=[0], lost_shares=[0], n_draws=2
    )
    assert {*result.to_row().values()} == {result.clean}


def test_recordings_can_lose_synapses_only() -> None:
    model = sparse_classifier([8, 6, 2], neuron=LIF(du=1, dv=0.1), density=0.5)
    encoding = Encoding("events", n_steps=6, step_us=1)
    result = evaluate_robustness(model, EVENTS, encoding, attacks=(), noise_stds=())
    assert list(result.damaged) == [0.1, 0.3]
    assert result.attacked == result.noisy == {}
    with pytest.raises(ParameterError, match="attacks change pixels"):
        evaluate_robustness(model, EVENTS, encoding)
    with pytest.raises(ParameterError, match="noise is added to pixels"):
        evaluate_robustness(model, EVENTS, encoding, attacks=())


def test_bad_draws() -> None:
    _, test = digits(1, 5)
    for options in ({"n_draws": 0}, {"seed": -1}):
        with pytest.raises(ParameterError, match=f"{next(iter(options))}: got"):
            evaluate_robustness(dense_ann([64, 10]), test, **options)  # type: ignore[arg-type]
