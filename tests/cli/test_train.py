"""What train hands on to fit, and what it tells meanwhile."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from neurosparse.cli.epoch_lines import EpochLines
from tests.cli.conftest import Invoke

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

from neurosparse.train import PRESETS
from neurosparse.train.history import Epoch, History


class Handed(Exception):
    """Comes instead of a training."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.optimizer = options["optimizer"]([torch.nn.Parameter(torch.zeros(1))])


@pytest.fixture
def handed(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call train; return what fit would have got."""

    def fit(*_: Any, **options: Any) -> None:
        raise Handed(options)

    monkeypatch.setattr("neurosparse.train.fit", fit)

    def call(*arguments: object) -> Handed:
        with pytest.raises(Handed) as caught:
            invoke("train", "--out", tmp_path / "n.npz", *arguments)
        return caught.value

    return call


# ---------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--scheme", "rigl"], 3e-4),
        (["--scheme", "gmp"], 3e-4),
        (["--dense"], 3e-4),
        (["--scheme", "deep_r"], 0.0),
        ([], 0.0),
    ],
)
def test_weight_decay_is_for_what_has_no_prior(
    handed: Any, options: list[str], expected: float
) -> None:
    (group,) = handed(*options, "--weight-decay", "3e-4").optimizer.param_groups
    assert group["weight_decay"] == expected


def test_weight_decay_is_the_presets_by_default(handed: Any) -> None:
    (group,) = handed("--scheme", "rigl").optimizer.param_groups
    assert group["weight_decay"] == PRESETS["digits"].weight_decay


def test_weight_decay_that_does_nothing_is_told(invoke: Invoke, tmp_path: Path) -> None:
    options = ("--epochs", 1, "--weight-decay", 1e-4)
    result = invoke("train", "--out", tmp_path / "n.npz", *options)
    assert result.exit_code == 0, result.stderr
    assert "--weight-decay: left out, as deep_r has a prior of its own" in result.stderr


@pytest.mark.parametrize(
    ("options", "name"), [([], "deep_r"), (["--scheme", "set"], "set"), (["--dense"], "dense")]
)
def test_deep_r_is_the_default(handed: Any, options: list[str], name: str) -> None:
    got = handed(*options).options
    assert got["name"] == name
    assert (got["scheme"] is None) == (name == "dense")


@pytest.mark.parametrize("options", [["--synapses", "16384,32768,1280"], ["--shift", "7"]])
@pytest.mark.parametrize("scheme", ["deep_r", "gmp"])
def test_limits_themselves_are_allowed(handed: Any, options: list[str], scheme: str) -> None:
    assert handed(*options, "--scheme", scheme, "--rate-target", "1").options["name"] == scheme


# ---------------------------------------------------------------------- lines


def epoch(number: int, valid_accuracy: float | None = 0.9) -> Epoch:
    return Epoch(number, 0.25, 0.8, valid_accuracy, 0.3, [1000, 500], [], [], None, 1e-3, 40.0)


def test_a_line_per_epoch_says_how_long_the_rest_takes() -> None:
    lines: list[str] = []
    ticks = itertools.accumulate([100.0, 10.0, 20.0, 15.0])  # the first epoch took longer
    log = EpochLines(4, lines.append, clock=lambda: next(ticks))
    history = History()
    for number in range(1, 5):
        history.epochs.append(epoch(number))
        log(history)
    start = "loss 0.250, validation 90.00 %, 1,500 synapses"
    assert lines == [
        f"epoch 1/4: {start}; about 2 min left",  # by its own seconds
        f"epoch 2/4: {start}; about 20 s left",
        f"epoch 3/4: {start}; about 15 s left",
        f"epoch 4/4: {start}",
    ]


def test_a_resumed_training_counts_its_own_time() -> None:
    lines: list[str] = []
    ticks = iter([1000.0, 1005.0])
    log = EpochLines(29, lines.append, clock=lambda: next(ticks))
    history = History([epoch(number, None) for number in range(1, 11)])
    for number in (11, 12):
        history.epochs.append(epoch(number, None))
        log(history)
    assert lines[1] == "epoch 12/29: loss 0.250, 1,500 synapses; about 85 s left"


@pytest.mark.parametrize("terminal", [False, True])
def test_lines_where_there_is_no_bar(
    handed: Any, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr("neurosparse.cli.train.wants_progress", lambda: terminal)
    options = handed().options
    assert options["progress"] is terminal
    assert any(isinstance(log, EpochLines) for log in options["logs"]) is not terminal


def test_the_lines_come_on_stderr(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("train", "--out", tmp_path / "n.npz", "--epochs", 2, "--density", 0.05)
    assert result.exit_code == 0, result.stderr
    told = [line for line in result.stderr.splitlines() if line.startswith("epoch ")]
    assert [line.partition(":")[0] for line in told] == ["epoch 1/2", "epoch 2/2"]
    assert all("validation" in line and "2,522 synapses" in line for line in told)
    assert told[0].endswith(" left")
    assert "epoch" not in told[1].partition(":")[2]
