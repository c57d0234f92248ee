"""Objectives of adversarial training against their equations, and inside `fit`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurosparse.data import Encoding, EventDataset, ImageDataset
from neurosparse.errors import ParameterError, StorageError
from neurosparse.sparsify import deep_r
from neurosparse.train import (
    FGSM,
    MART,
    PGD,
    TRADES,
    AdversarialTraining,
    Assessment,
    Batch,
    Objective,
    RateTarget,
    SparseLinear,
    dense_ann,
    fit,
    robust_accuracy,
)
from neurosparse.train.objective import plain
from neurosparse.train.probe import GradientProbe
from tests.train.agreement import assert_same_state, dense_of, digits
from tests.train.short_runs import RATE, adam, run, small_model
from tests.train.test_resume import timeless

ATTACK = PGD(0.1, step_size=0.05, n_steps=3)
OBJECTIVES: dict[str, Objective] = {
    "at": AdversarialTraining(ATTACK),
    "mixed": AdversarialTraining(FGSM(0.1), alpha=0.5),
    "trades": TRADES(ATTACK),
    "mart": MART(ATTACK),
}


class Recorder(nn.Module):
    """A ReLU network that remembers what it was shown while learning."""

    def __init__(self, n_outputs: int = 10) -> None:
        super().__init__()
        self.network = dense_ann([64, 20, n_outputs])
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen.append(x.detach().clone())
        logits: Tensor = self.network(x)
        return logits


def batch_of(
    model: nn.Module, n: int = 30, encoding: Encoding | None = None, seed: int = 0
) -> Batch:
    data, _ = digits(n, 1)
    rngs = {
        name: np.random.default_rng([seed, index])
        for index, name in enumerate(("encode", "attack"))
    }
    labels = torch.from_numpy(data.labels.copy())
    loss = nn.functional.cross_entropy
    return Batch(model, data, data.samples(slice(None)), labels, encoding, loss, rngs)


def probabilities(model: Recorder, images: Tensor) -> np.ndarray[Any, Any]:
    with torch.no_grad():
        return model.network(images).double().softmax(dim=1).numpy()


# ------------------------------------------------------------------ equations


def test_at_learns_from_attacked_images_only() -> None:
    model = Recorder()
    batch = batch_of(model)
    assessment = AdversarialTraining(ATTACK)(batch)
    images = torch.from_numpy(batch.samples.copy())
    attacked = ATTACK(model, images, batch.labels, rng=batch_of(model).rngs["attack"])
    (seen,) = model.seen
    assert torch.equal(seen, attacked)
    logits = model.network(attacked)
    assert torch.equal(assessment.logits, logits)
    assert torch.equal(assessment.loss, nn.functional.cross_entropy(logits, batch.labels))
    assert model.training


@pytest.mark.parametrize(("alpha", "n_clean"), [(0.0, 0), (0.25, 8), (0.5, 15), (0.99, 30)])
def test_mixed_at_leaves_a_share_clean(alpha: float, n_clean: int) -> None:
    model = Recorder()
    batch = batch_of(model)
    AdversarialTraining(ATTACK, alpha)(batch)
    (seen,) = model.seen
    changed = (seen.numpy() != batch.samples).any(axis=1)
    assert changed.tolist() == [sample >= n_clean for sample in range(30)]


def test_trades_is_its_equation() -> None:
    model = Recorder()
    batch = batch_of(model)
    given = batch.samples.copy()
    loss, logits, _ = TRADES(ATTACK, beta=4)(batch)
    clean, attacked = model.seen[0].split(30)
    np.testing.assert_array_equal(batch.samples, given)
    np.testing.assert_array_equal(clean.numpy(), given)
    torch.testing.assert_close(logits, model.network(clean))
    p, q = probabilities(model, clean), probabilities(model, attacked)
    terms = [
        -math.log(p[i, label]) + 4 * sum(p[i, k] * math.log(p[i, k] / q[i, k]) for k in range(10))
        for i, label in enumerate(batch.labels.tolist())
    ]
    assert loss.item() == pytest.approx(np.mean(terms), rel=1e-5)


def test_trades_attacks_the_divergence() -> None:
    """More than a random point of the same ball, and without a look at the labels."""
    model = Recorder()
    batch = batch_of(model)
    TRADES(ATTACK)(batch)
    clean, attacked = model.seen[0].split(30)
    assert float((attacked - clean).abs().max()) <= 0.1 + 1e-6
    draws = np.random.default_rng(1).uniform(-0.1, 0.1, clean.shape).astype(np.float32)
    p = probabilities(model, clean)

    def divergence(x: Tensor) -> Any:
        return (p * np.log(p / probabilities(model, x))).sum(axis=1)

    anywhere = (clean + torch.from_numpy(draws)).clamp(0, 1)
    assert divergence(attacked).mean() > 3 * divergence(anywhere).mean()
    model.seen.clear()
    batch = batch_of(model)
    batch.labels.fill_(0)
    TRADES(ATTACK)(batch)
    assert torch.equal(model.seen[0][30:], attacked)


def test_mart_is_its_equation() -> None:
    model = Recorder()
    batch = batch_of(model)
    loss, logits, _ = MART(ATTACK, beta=5)(batch)
    clean, attacked = model.seen[0].split(30)
    expected_attack = ATTACK(model, clean.clone(), batch.labels, rng=batch_of(model).rngs["attack"])
    assert torch.equal(attacked, expected_attack)
    torch.testing.assert_close(logits, model.network(clean))
    p, q = probabilities(model, clean), probabilities(model, attacked)
    terms = []
    for i, label in enumerate(batch.labels.tolist()):
        others = max(q[i, k] for k in range(10) if k != label)
        divergence = sum(p[i, k] * math.log(p[i, k] / q[i, k]) for k in range(10))
        boosted = -math.log(q[i, label]) - math.log(1.0001 - others)
        terms.append(boosted + 5 * divergence * (1 - p[i, label]))
    assert loss.item() == pytest.approx(np.mean(terms), rel=1e-5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_weights_get_the_gradient_of_the_loss_and_nothing_of_the_attack(name: str) -> None:
    """Against finite differences of the loss on the very images that the attack found."""
    model = Recorder()
    batch = batch_of(model, n=12)
    assessment = OBJECTIVES[name](batch)
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assessment.loss.backward()  # type: ignore[no-untyped-call]
    weight: Any = model.network[0].weight
    index = int(weight.grad.abs().argmax())
    slope = weight.grad.view(-1)[index].item()
    attacked = model.seen[-1][-12:]
    losses = []
    for step in (1e-3, -1e-3):
        model.seen.clear()
        moved = weight.data.clone()
        weight.data.view(-1)[index] += step
        losses.append(_loss_on(name, batch, attacked))
        weight.data = moved
    assert slope == pytest.approx((losses[0] - losses[1]) / 2e-3, rel=0.05)


def _loss_on(name: str, batch: Batch, attacked: Tensor) -> float:
    return _assess_fixed(name, batch, attacked).loss.item()


def _assess_fixed(name: str, batch: Batch, attacked: Tensor) -> Assessment:
    """Assess a batch under an 'attack' that always finds the same images."""

    class Fixed(PGD):
        def climb(self, harm: Any, images: Tensor, rng: Any) -> Tensor:
            return attacked[-len(images) :]

    fixed = Fixed(0.1)
    kinds: dict[str, Objective] = {
        "at": AdversarialTraining(fixed),
        "mixed": AdversarialTraining(fixed, alpha=0.5),
        "trades": TRADES(fixed),
        "mart": MART(fixed),
    }
    return kinds[name](batch)


# ------------------------------------------------------------------ inside fit


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_training_against_attacks_makes_robust(objective: Objective) -> None:
    train, test = digits(1400, 350)
    evaluation = PGD(0.1, step_size=0.02, n_steps=10)
    scores = []
    for chosen in (None, objective):
        model = dense_ann([64, 40, 10])
        history = fit(
            model, train, optimizer=adam(0.01), epochs=6, objective=chosen, progress=False
        )
        assert history.epochs[-1].loss < history.epochs[0].loss
        scores.append(robust_accuracy(model, test, attack=evaluation))
    assert scores[1] > scores[0] + 0.05


def test_plain_is_the_default() -> None:
    models = [small_model(), small_model()]
    histories = [run(models[0], 2), run(models[1], 2, objective=plain)]
    assert timeless(histories[0]) == timeless(histories[1])
    assert_same_state(models[0].state_dict(), models[1].state_dict())


@pytest.mark.parametrize("name", ["mixed", "trades"])
def test_resuming_equals_an_uninterrupted_run(name: str, tmp_path: Path) -> None:
    """Of a spiking network whose encoding draws, attacked from random starts, rewired."""
    options: dict[str, Any] = {
        "mixed": {"objective": AdversarialTraining(ATTACK, alpha=0.5)},
        "trades": {"objective": TRADES(ATTACK)},
    }[name]
    whole = small_model()
    expected = run(whole, 3, **options)
    path = tmp_path / "run.pt"
    run(small_model(), 1, checkpoint=path, **options)
    resumed = small_model(rng=9)
    history = run(resumed, 3, checkpoint=path, resume=True, **options)
    assert timeless(history) == timeless(expected)
    assert_same_state(resumed.state_dict(), whole.state_dict())
    for other in ({}, {"objective": AdversarialTraining(FGSM(0.2))}):
        with pytest.raises(StorageError, match=r"belongs to another run \(objective: "):
            run(small_model(), 3, checkpoint=path, resume=True, **other)


def test_regularisers_and_events_see_the_spikes() -> None:
    seen: list[int] = []

    def regularizer(trains: Any) -> Tensor:
        seen.append(len(trains))
        return RateTarget(0.1)(trains)

    objective = AdversarialTraining(FGSM(0.1))
    history = run(small_model(), 1, objective=objective, regularizers=[regularizer])
    assert set(seen) == {3}
    assert (history.epochs[0].events_per_sample or 0) > 0


def test_events_are_those_of_a_sample_however_many_are_shown() -> None:
    """TRADES shows clean and attacked images; next to nothing of an attack changes no image."""
    events = [
        run(small_model(), 1, scheme=None, optimizer=adam(1e-9), objective=objective)
        .epochs[0]
        .events_per_sample
        for objective in (None, TRADES(PGD(1e-9, n_steps=1)))
    ]
    assert events[1] == pytest.approx(events[0], rel=0.02)  # other draws of the encoding


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_probe_sees_the_gradient_of_the_loss_once(name: str) -> None:
    """Schemes that grow by gradients must get those of the step, not those of the attack."""
    model = Recorder()
    sparse = SparseLinear(64, 20, n_active=400, bias=True)
    model.network[0] = sparse
    batch = batch_of(model)
    sparse.probe = probe = GradientProbe(30)
    assessment = OBJECTIVES[name](batch)
    assert probe.found() is None
    assert sparse.probe is probe
    calls: list[int] = []
    add = probe.add
    probe.add = lambda *a: calls.append(1) or add(*a)  # type: ignore[assignment, func-returns-value, method-assign]
    assessment.loss.backward()  # type: ignore[no-untyped-call]
    assert calls == [1]
    found = probe.found()
    assert found is not None
    # the twin whose every synapse exists, at weight 0 where it does not, has the dense gradient
    dense = nn.Linear(64, 20)
    dense.weight.data, dense.bias.data = dense_of(sparse), sparse.bias.detach()  # type: ignore[union-attr]
    attacked = model.seen[-1][-30:].clone()
    model.network[0] = dense
    batch = batch_of(model)
    _assess_fixed(name, batch, attacked).loss.backward()  # type: ignore[no-untyped-call]
    assert dense.weight.grad is not None
    expected = dense.weight.grad.abs().view(-1).numpy()
    np.testing.assert_allclose(found[1], expected[found[0]], rtol=1e-3, atol=1e-6)


def test_an_objective_of_ones_own() -> None:
    """Learn from noisy images, with the run's own random numbers."""

    def noisy(batch: Batch) -> Assessment:
        noise = batch.rngs["attack"].normal(0, 0.1, batch.samples.shape)
        samples = np.clip(batch.samples + noise, 0, 1).astype(np.float32)
        logits, spikes = batch.answer(samples)
        return Assessment(batch.loss(logits, batch.labels), logits, spikes)

    histories = [run(small_model(), 1, objective=noisy) for _ in range(2)]
    assert timeless(histories[0]) == timeless(histories[1])


def test_a_sparse_network_keeps_its_budget() -> None:
    model = small_model()
    run(model, 1, scheme=deep_r(), objective=AdversarialTraining(ATTACK))
    assert [layer.connection.n_active for layer in model.layers] == [300, 100]  # type: ignore[union-attr]


# ------------------------------------------------------------------ wrong use

BAD: list[tuple[Any, dict[str, Any], str]] = [
    (AdversarialTraining, {"attack": ATTACK, "alpha": 1}, "alpha: got 1; allowed is 0 <= alpha <"),
    (AdversarialTraining, {"attack": ATTACK, "alpha": -1}, "alpha: got -1"),
    (AdversarialTraining, {"attack": 0.1}, r"attack: got 0\.1; expected FGSM or PGD"),
    (TRADES, {"attack": FGSM(0.1)}, "attack: got FGSM.*TRADES needs PGD with random_start=True"),
    (TRADES, {"attack": PGD(0.1, random_start=False)}, "no slope at the clean image"),
    (TRADES, {"attack": ATTACK, "beta": 0}, "beta: got 0; allowed is > 0, finite"),
    (MART, {"attack": ATTACK, "beta": math.nan}, "beta: got nan"),
    (MART, {"attack": None}, "attack: got None"),
]


@pytest.mark.parametrize(("kind", "options", "message"), BAD, ids=lambda value: str(value)[:30])
def test_bad_parameters(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        kind(**options)


@pytest.mark.parametrize("name", ["at", "mixed", "trades", "mart"])
def test_recordings_have_no_pixels(name: str) -> None:
    data = EventDataset("two", [0, 5, 2], [1, 7, 0], [0, 2, 3], [0, 1], 2, (2, 2, 2))
    with pytest.raises(ParameterError, match=r"samples: got EventDataset.*attacks change pixels"):
        fit(
            nn.Linear(8, 2),
            data,
            encoding=Encoding("events", n_steps=3),
            objective=OBJECTIVES[name],
            progress=False,
        )


@pytest.mark.parametrize("objective", [None, OBJECTIVES["at"], OBJECTIVES["trades"]])
def test_too_few_outputs(objective: Objective | None) -> None:
    train = ImageDataset("wide", np.full((6, 64), 0.5), [0, 1, 2, 3, 4, 5], 6, (8, 8))
    with pytest.raises(ParameterError, match=r"model(: answers with shape| has 3 classes)"):
        fit(Recorder(3), train, objective=objective, progress=False)


def test_latency_is_refused() -> None:
    train, _ = digits(10, 1)
    with pytest.raises(ParameterError, match="encoding: got kind 'latency'"):
        fit(
            small_model(),
            train,
            encoding=Encoding("latency", n_steps=RATE.n_steps),
            objective=OBJECTIVES["at"],
            progress=False,
        )
