"""Logs that other programs read."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import pytest

from neurosparse.errors import BackendMissingError
from neurosparse.train import CsvLog, History, TensorBoardLog
from tests.train.short_runs import run, small_model


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_line_per_epoch(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.csv"
    history = run(small_model(), 2, logs=[CsvLog(path)])
    for row, epoch in zip(rows(path), history.epochs, strict=True):
        assert int(row["epoch"]) == epoch.epoch
        assert float(row["loss"]) == epoch.loss
        assert float(row["valid_accuracy"]) == epoch.valid_accuracy
        assert int(row["synapses"]) == sum(epoch.synapses)
        assert float(row["events_per_sample"]) == epoch.events_per_sample
        assert float(row["learning_rate"]) == epoch.learning_rate


def test_a_resumed_run_doubles_no_line(tmp_path: Path) -> None:
    path, checkpoint = tmp_path / "run.csv", tmp_path / "run.pt"
    run(small_model(), 2, logs=[CsvLog(path)], checkpoint=checkpoint)
    run(small_model(), 3, logs=[CsvLog(path)], checkpoint=checkpoint, resume=True)
    assert [row["epoch"] for row in rows(path)] == ["1", "2", "3"]


def test_what_is_unknown_has_no_column(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    run(small_model(), 1, valid=None, logs=[CsvLog(path)])
    assert "valid_accuracy" not in rows(path)[0]


def test_logs_are_called_after_every_epoch() -> None:
    seen: list[int] = []

    def log(history: History) -> None:
        seen.append(len(history.epochs))

    run(small_model(), 3, logs=[log])
    assert seen == [1, 2, 3]


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    history = run(small_model(), 2, logs=[TensorBoardLog(tmp_path)])
    written = EventAccumulator(str(tmp_path)).Reload()
    assert {"loss", "train_accuracy", "synapses", "synapses/layer0"} <= set(
        written.Tags()["scalars"]
    )
    losses: list[Any] = written.Scalars("loss")
    assert [event.step for event in losses] == [1, 2]
    assert [event.value for event in losses] == pytest.approx([e.loss for e in history.epochs])


def test_missing_tensorboard_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(BackendMissingError, match=r"pip install 'neurosparse\[tensorboard\]'"):
        TensorBoardLog("runs")
