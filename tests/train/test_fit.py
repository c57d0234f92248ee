"""The training loop: it learns, says what happened, keeps the best epoch and stops early."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurosparse.data import Encoding, ImageDataset
from neurosparse.errors import ParameterError
from neurosparse.network import LIF
from neurosparse.sparsify import deep_r, gmp, lprune, static
from neurosparse.train import (
    History,
    SpikingClassifier,
    dense_ann,
    dense_classifier,
    fit,
    load_checkpoint,
    predict,
    sparse_classifier,
)
from tests.train.agreement import assert_same_state, digits, topology
from tests.train.short_runs import COUNTS, RATE, SCHEME, SIZES, adam, run, small_model

CURRENT = Encoding("current", n_steps=12, gain=0.5)


def current_model(density: float | None = 0.1) -> SpikingClassifier:
    neurons = {"neuron": LIF(du=1, dv=0.1), "input_neuron": LIF(du=1, dv=0)}
    if density is None:
        return dense_classifier([64, 100, 10], gain=2, **neurons)
    return sparse_classifier([64, 100, 10], gain=2, density=density, **neurons)


def accuracy(model: nn.Module, data: ImageDataset, encoding: Encoding | None) -> float:
    return float((predict(model, data, encoding) == data.labels).mean())


# ------------------------------------------------------------------ learning


@pytest.mark.parametrize("scheme", [deep_r(l1=0.01, temperature=0), SCHEME, static(), None])
def test_a_tenth_of_the_synapses_learns_digits(scheme: Any) -> None:
    train, test = digits(1400, 350)
    model = current_model()
    history = fit(
        model,
        train,
        encoding=CURRENT,
        scheme=scheme,
        optimizer=adam(0.02),
        epochs=4,
        progress=False,
    )
    assert accuracy(model, test, CURRENT) > 0.6  # chance is 0.1; 0.72 to 0.75 measured
    assert history.epochs[-1].loss < history.epochs[0].loss
    assert history.epochs[-1].train_accuracy > history.epochs[0].train_accuracy


def test_rewiring_beats_static_connectivity_where_synapses_are_few() -> None:
    """What the scheme is for: 3 % of the synapses, the same starts for both."""
    train, test = digits(1400, 350)
    neurons = {"neuron": LIF(du=1, dv=0.1), "input_neuron": LIF(du=1, dv=0)}
    means = []
    for scheme in (static(), deep_r(l1=0.01, temperature=0)):
        scores = []
        for seed in range(3):
            model = sparse_classifier(SIZES, n_active=[60, 30], gain=2, rng=seed, **neurons)
            fit(
                model,
                train,
                encoding=CURRENT,
                scheme=scheme,
                optimizer=adam(0.02),
                epochs=6,
                seed=seed,
                progress=False,
            )
            scores.append(accuracy(model, test, CURRENT))
        means.append(np.mean(scores))
    assert means[1] > means[0] + 0.03


def test_the_dense_twins_learn_too() -> None:
    train, test = digits(1400, 350)
    ann = dense_ann([64, 40, 10])
    history = fit(ann, train, optimizer=adam(0.01), epochs=5, progress=False)
    assert accuracy(ann, test, None) > 0.85
    assert history.epochs[-1].synapses == [64 * 40, 400]
    assert history.epochs[-1].dropped == []
    snn = current_model(density=None)
    fit(snn, train, encoding=CURRENT, optimizer=adam(5e-3), epochs=3, progress=False)
    assert accuracy(snn, test, CURRENT) > 0.8


# ------------------------------------------------------------------ history, best epoch, stopping


def test_history_says_what_happened() -> None:
    model = small_model()
    history = run(model, 3)
    assert [epoch.epoch for epoch in history.epochs] == [1, 2, 3]
    for epoch in history.epochs:
        assert 0 < epoch.loss < 20
        assert 0 <= epoch.train_accuracy <= 1
        assert epoch.valid_accuracy is not None
        assert 0 <= epoch.valid_accuracy <= 1
        assert epoch.valid_loss is not None
        assert epoch.valid_loss > 0
        assert sum(epoch.synapses) == sum(COUNTS)
        assert sum(epoch.dropped) == sum(epoch.grown) > 0
        assert epoch.seconds > 0
    assert History.from_dict(history.to_dict()) == history


def test_the_best_epoch_is_restored() -> None:
    model = small_model()
    history = run(model, 6, 1, optimizer=adam(0.3), schedule=None)  # too fast to be steady
    scores = [epoch.valid_accuracy or 0.0 for epoch in history.epochs]
    assert history.best_epoch == 6 - int(np.argmax(scores[::-1]))  # the last of equals
    assert history.best_epoch < 6
    assert history.kept_epoch == history.best_epoch
    _, valid = digits(320, 100)
    assert accuracy(model, valid, RATE) == max(scores) > scores[-1]
    # topology and all: synapses are those of that epoch, and can be trained on
    counts = [len(keys) for keys in topology(model)]
    assert counts == history.epochs[history.best_epoch - 1].synapses
    model(torch.ones(2, 3, 64)).sum().backward()


def test_the_best_epoch_is_one_of_a_pruned_network() -> None:
    """However good it was before pruning: 20 batches, pruned from the fifth to the fifteenth."""
    model = sparse_classifier(SIZES, neuron=LIF(du=1, dv=0.1), density=1.0, gain=1.0, rng=0)
    scheme = gmp([60, 20], start=5, stop=15, every=2)
    history = run(model, 5, scheme=scheme, optimizer=adam(0.01), schedule=None)
    scores = [epoch.valid_accuracy or 0.0 for epoch in history.epochs]
    assert max(scores) == max(scores[:3])  # the better ones are those of fuller networks
    assert [len(keys) for keys in topology(model)] == [60, 20]
    assert history.kept_epoch == history.best_epoch in (4, 5)


def test_schemes_that_watch_the_validation_loss_need_one() -> None:
    model = sparse_classifier(SIZES, neuron=LIF(du=1, dv=0.1), density=1.0)
    scheme = lprune([60, 20], n_patterns=320, stop=10)
    with pytest.raises(ParameterError, match="valid: lprune watches the loss on it"):
        run(model, 1, scheme=scheme, valid=None)


def test_a_share_of_the_training_set_is_held_out() -> None:
    train, _ = digits(200, 1)
    rest, valid = train.split(0.25, np.random.default_rng(3))
    histories = [
        fit(small_model(), *data, encoding=RATE, epochs=2, seed=3, progress=False, valid=held_out)
        for data, held_out in (([train], 0.25), ([rest], valid))
    ]
    for one, two in zip(histories[0].epochs, histories[1].epochs, strict=True):
        assert (one.loss, one.valid_accuracy) == (two.loss, two.valid_accuracy)
    with pytest.raises(ParameterError, match=r"held_out: got 1\.5"):
        fit(small_model(), train, encoding=RATE, valid=1.5, progress=False)


def test_without_a_validation_set_the_last_epoch_stays() -> None:
    train, _ = digits(100, 1)
    history = fit(small_model(), train, encoding=RATE, epochs=2, progress=False)
    assert history.best_epoch is None
    assert history.kept_epoch == 2
    assert [epoch.valid_accuracy for epoch in history.epochs] == [None, None]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[float]], None]:
    """Return what prescribes the validation accuracy of every epoch to come."""

    def prescribe(accuracies: list[float]) -> None:
        coming = iter(accuracies)

        def answer(model: nn.Module, data: ImageDataset, encoding: Any) -> Any:
            wrong = round((1 - next(coming)) * len(data))
            said = np.where(np.arange(len(data)) < wrong, data.labels + 1, data.labels)
            return nn.functional.one_hot(torch.from_numpy(said), 11).float()

        monkeypatch.setattr(sys.modules["neurosparse.train.run"], "answers", answer)

    return prescribe


@pytest.mark.parametrize(
    ("accuracies", "n_epochs", "best"),
    [
        ([0.5, 0.4, 0.3, 0.9], 3, 1),
        ([0.5, 0.4, 0.5, 0.4, 0.4, 0.9], 5, 3),  # reached again: counted from there
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 6, 6),
        ([0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 6, 6),
    ],
)
def test_patience(
    scripted: Callable[[list[float]], None], accuracies: list[float], n_epochs: int, best: int
) -> None:
    scripted(accuracies)
    history = run(small_model(), 6, patience=2)
    assert len(history.epochs) == n_epochs
    assert history.best_epoch == best


def test_patience_goes_on_counting_after_a_break(
    scripted: Callable[[list[float]], None], tmp_path: Path
) -> None:
    path = tmp_path / "run.pt"
    scripted([0.5, 0.4, 0.3, 0.9])
    run(small_model(), 2, checkpoint=path)
    history = run(small_model(), 6, patience=2, checkpoint=path, resume=True)
    assert len(history.epochs) == 3
    assert history.best_epoch == 1


@pytest.mark.parametrize(("keep", "part"), [("best", "best"), ("last", "model")])
def test_which_epoch_is_kept(
    scripted: Callable[[list[float]], None], keep: Any, part: str, tmp_path: Path
) -> None:
    path = tmp_path / "run.pt"
    scripted([0.5, 0.4])
    model = small_model()
    assert run(model, 2, keep=keep, checkpoint=path).best_epoch == 1
    state = load_checkpoint(path)
    assert_same_state(model.state_dict(), state[part])
    name = "layers.0.connection.weight"
    assert state["best"][name].tolist() != state["model"][name].tolist()


def test_the_scheme_ends_with_the_run() -> None:
    made: list[torch.optim.Optimizer] = []

    def optimizer(parameters: Any) -> torch.optim.Optimizer:
        made.append(torch.optim.Adam(parameters, lr=0.02))
        return made[-1]

    model = small_model()
    run(model, 1, optimizer=optimizer)
    before = topology(model)
    model(torch.ones(3, 2, 64)).sum().backward()
    made[0].zero_grad()
    model(torch.ones(3, 2, 64)).sum().backward()
    made[0].step()
    assert topology(model) == before


# ------------------------------------------------------------------ the bar, and wrong use


@pytest.mark.parametrize("progress", [True, False])
def test_the_bar_is_on_stderr_only(progress: bool, capsys: pytest.CaptureFixture[str]) -> None:
    train, _ = digits(200, 1)
    fit(small_model(), train, encoding=RATE, epochs=1, progress=progress, name="some label")
    out, err = capsys.readouterr()
    assert out == ""
    assert ("some label 1/1" in err) is progress
    assert ("loss=" in err) is progress
    assert bool(err) is progress


BAD: list[tuple[dict[str, Any], str]] = [
    ({"epochs": 0}, "epochs: got 0; allowed is a whole number >= 1"),
    ({"batch_size": 0}, "batch_size: got 0; allowed is a whole number >= 1"),
    ({"batch_size": 1.5}, "batch_size: got 1.5"),
    ({"seed": -1}, "seed: got -1; allowed is a whole number >= 0"),
    ({"patience": 2}, "patience: needs valid, a held-out set to watch"),
    ({"keep": "first"}, "keep: got 'first'; allowed is 'best' or 'last'"),
    ({"resume": True}, "resume: needs checkpoint, the file to go on from"),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=lambda value: str(value)[:20])
def test_wrong_use(options: dict[str, Any], message: str) -> None:
    train, _ = digits(10, 1)
    with pytest.raises(ParameterError, match=message):
        fit(small_model(), train, encoding=RATE, progress=False, **options)


def test_patience_must_be_positive() -> None:
    with pytest.raises(ParameterError, match="patience: got 0; allowed is a whole number >= 1"):
        run(small_model(), 1, patience=0)


def test_a_scheme_needs_a_sparse_layer() -> None:
    train, _ = digits(10, 1)
    with pytest.raises(ParameterError, match="layers: no SparseLinear among them"):
        fit(dense_ann([64, 10]), train, scheme=deep_r(), progress=False)
