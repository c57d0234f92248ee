"""Sweeps on Ray: what comes out, what fails alone, what is refused."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")
pytest.importorskip("pyarrow")
pytest.importorskip("torch")
pytest.importorskip("sklearn")


from neurosparse.errors import BackendMissingError, ParameterError, PoolError, StorageError
from neurosparse.sweep import (
    Study,
    read_study,
    run_cell,
)
from neurosparse.sweep.folder import StudyFolder
from neurosparse.sweep.worker import work
from tests.sweep import tasks
from tests.sweep.conftest import without_times
from tests.sweep.runs import run, table

# ------------------------------------------------------------------ results


def test_rows_are_those_of_run_cell(pool: Any, small_study: Study, tmp_path: Path) -> None:
    result = run(small_study, tmp_path / "out")
    assert (len(result.rows), result.n_run, result.failures) == (8, 8, {})
    cells = sorted(small_study.cells(), key=lambda cell: cell.key)
    expected = [run_cell(cells[0]), run_cell(cells[-1])]
    assert without_times([result.rows[0], result.rows[-1]]) == without_times(expected)
    assert [row["key"] for row in table(tmp_path / "out")] == [cell.key for cell in cells]
    assert len(table(tmp_path / "out", "epochs")) == 8 * 2 * 3


def test_finished_cells_are_kept_and_damaged_ones_run_again(
    pool: Any, small_study: Study, tmp_path: Path
) -> None:
    run(small_study, tmp_path, task=tasks.instant)
    before = table(tmp_path)
    cells = sorted((tmp_path / "cells").iterdir())
    cells[0].unlink()
    cells[1].write_text(cells[1].read_text()[:-40])
    cells[2].write_text(cells[3].read_text())  # another's
    (tmp_path / "results.parquet").unlink()
    again = run(small_study, tmp_path, task=tasks.instant)
    assert again.n_run == 3
    assert table(tmp_path) == before
    assert run(small_study, tmp_path, task=tasks.one_raises).n_run == 0


def test_a_study_may_grow_in_its_folder(pool: Any, small_study: Study, tmp_path: Path) -> None:
    part = dataclasses.replace(small_study, seeds=[1])
    assert run(part, tmp_path, task=tasks.instant).n_run == 4
    assert run(small_study, tmp_path, task=tasks.instant).n_run == 4
    assert read_study(tmp_path)[1] == small_study
    with pytest.raises(ParameterError, match="holds another study, with other seeds"):
        run(part, tmp_path, task=tasks.instant)


def test_progress_is_told(
    pool: Any, small_study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    run(small_study, tmp_path, task=tasks.instant, tell=told.append)
    assert told[0] == "8 cells, 0 of them finished earlier; 2 at a time"
    assert len(told) == 9
    assert "1/8 " in told[1]
    assert "left" in told[1]
    assert "left" not in told[-1]
    assert capsys.readouterr().err == ""
    (tmp_path / "cells" / f"{small_study.cells()[0].key}.json").unlink()
    run(small_study, tmp_path, task=tasks.instant, progress=True, tell=told.append)
    assert told[9].startswith("8 cells, 7 of them finished earlier; 2 at a time; about ")
    assert len(told) == 10
    bar = capsys.readouterr().err
    assert "8/8" in bar
    assert "static=80.00 %" in bar or "%" in bar


def test_figures_are_drawn_if_there_is_something_new(
    pool: Any, small_study: Study, tmp_path: Path
) -> None:
    study = dataclasses.replace(small_study, densities=[0.1], seeds=[0])
    run(study, tmp_path, task=tasks.instant, figures=True)
    hill = tmp_path / "figures" / "occams_hill.png"
    first = hill.stat().st_mtime_ns
    run(study, tmp_path, task=tasks.instant, figures=True)
    assert hill.stat().st_mtime_ns == first
    (tmp_path / "index.html").unlink()
    run(study, tmp_path, task=tasks.instant, figures=True)
    assert hill.stat().st_mtime_ns > first
    assert (tmp_path / "index.html").exists()


def finish(study: Study, folder: Path) -> None:
    """Leave the results of a study in a folder, as a process that is killed at the end does."""
    place = StudyFolder(folder, study)
    with place.locked():
        for cell in place.unfinished():
            place.save(cell, tasks.instant(cell))


def test_figures_show_all_rows_whatever_happened_before(small_study: Study, tmp_path: Path) -> None:
    part = dataclasses.replace(small_study, densities=[0.05], seeds=[0])
    finish(part, tmp_path)
    run(part, tmp_path, figures=True)
    page = tmp_path / "index.html"
    assert "2 cells" in page.read_text()
    finish(small_study, tmp_path)
    result = run(small_study, tmp_path, figures=False)
    assert (len(result.rows), result.n_run) == (8, 0)
    assert "2 cells" in page.read_text()
    run(small_study, tmp_path, figures=True)
    assert "8 cells" in page.read_text()
    hill = tmp_path / "figures" / "occams_hill.svg"
    hill.unlink()
    run(small_study, tmp_path, figures=True)
    assert hill.exists()


def test_figures_after_an_interrupted_extension(
    pool: Any, small_study: Study, tmp_path: Path
) -> None:
    part = dataclasses.replace(small_study, densities=[0.05], seeds=[0])
    run(part, tmp_path, task=tasks.instant, figures=True)
    more = dataclasses.replace(part, seeds=[0, 1])

    def interrupt(line: str) -> None:
        if line.startswith("3/4 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(more, tmp_path, task=tasks.instant, figures=True, tell=interrupt)
    assert len(table(tmp_path)) == 3
    assert "2 cells" in (tmp_path / "index.html").read_text()
    run(more, tmp_path, task=tasks.instant, figures=True)
    assert "4 cells" in (tmp_path / "index.html").read_text()


# ------------------------------------------------------------------ failures


@pytest.mark.parametrize(
    ("task", "error"),
    [
        (tasks.one_raises, "ArithmeticError: this cell does not add up"),
        (tasks.one_dies, "WorkerCrashedError"),
    ],
)
def test_a_cell_that_fails_does_not_stop_the_others(
    pool: Any, small_study: Study, tmp_path: Path, task: Any, error: str
) -> None:
    result = run(small_study, tmp_path, task=task)
    bad = [cell.key for cell in small_study.cells() if (cell.scheme, cell.seed) == ("static", 1)]
    assert sorted(result.failures) == sorted(bad)
    assert len(result.rows) == len(table(tmp_path)) == 6
    for key in bad:
        assert error in result.failures[key]
        kept = json.loads((tmp_path / "cells" / f"{key}.error.json").read_text())
        assert error in kept["error"]
        assert kept["cell"]["scheme"] == "static"
    again = run(small_study, tmp_path, task=tasks.instant)
    assert (len(again.rows), again.n_run, again.failures) == (8, 2, {})
    assert not list((tmp_path / "cells").glob("*.error.json"))


def test_a_worker_that_is_taken_away_costs_no_cell(
    pool: Any, small_study: Study, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    study = dataclasses.replace(small_study, data=str(tmp_path / "data"), densities=[0.1])
    result = run(study, tmp_path / "out", task=tasks.dies_once)
    assert (tmp_path / "data" / "died").exists()
    assert (len(result.rows), result.failures) == (4, {})


def test_a_row_that_cannot_be_saved_is_a_failure(
    pool: Any, small_study: Study, tmp_path: Path
) -> None:
    result = run(small_study, tmp_path, task=tasks.unspeakable)
    assert len(result.failures) == 8
    assert "not JSON serializable" in next(iter(result.failures.values()))
    assert table(tmp_path) == []


def test_a_row_that_lacks_a_column_is_a_failure(small_study: Study) -> None:
    cell = small_study.cells()[0]
    assert "got a row without loss" in work(tasks.incomplete, cell, None)["error"]
    other = small_study.cells()[1]
    assert "no row with the key" in work(lambda _: tasks.instant(other), cell, None)["error"]
    assert work(tasks.instant, cell, None)["row"]["key"] == cell.key


def test_few_at_a_time(pool: Any, small_study: Study, tmp_path: Path) -> None:
    began = time.monotonic()
    run(small_study, tmp_path, task=tasks.slow, workers=1)
    assert time.monotonic() - began > 8 * 0.3


# ------------------------------------------------------------------ bad input


def test_folders_of_others_are_left_alone(small_study: Study, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ParameterError, match="holds other files; name a new or an empty folder"):
        run(small_study, tmp_path)
    with pytest.raises(ParameterError, match="is a file; name a folder"):
        run(small_study, tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_another_study_or_version_is_refused(pool: Any, small_study: Study, tmp_path: Path) -> None:
    run(small_study, tmp_path, task=tasks.instant)
    other = dataclasses.replace(small_study, epochs=9, model="ann")
    with pytest.raises(ParameterError, match="another study, with other model, epochs; name"):
        run(other, tmp_path)
    study_file = tmp_path / "study.json"
    text = study_file.read_text()
    study_file.write_text(text.replace('"version": "', '"version": "0'))
    with pytest.raises(ParameterError, match="holds a study of neurosparse 0"):
        run(small_study, tmp_path)
    study_file.write_text(text[:-30])
    with pytest.raises(StorageError, match=r"study\.json: not the study of a sweep"):
        run(small_study, tmp_path)
    assert len(list((tmp_path / "cells").iterdir())) == 8


def test_two_sweeps_in_one_folder(pool: Any, small_study: Study, tmp_path: Path) -> None:
    with (
        StudyFolder(tmp_path, small_study).locked(),
        pytest.raises(ParameterError, match="another sweep is running in it"),
    ):
        run(small_study, tmp_path, task=tasks.instant)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nowhere", "address: got 'nowhere'; allowed is 'auto' or host:port"),
        ("127.0.0.1:99999", "address: got '127.0.0.1:99999'"),
        ("127.0.0.1:9", "address: nothing answers at 127.0.0.1:9"),
    ],
)
def test_an_address_where_nobody_is(
    small_study: Study,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    message: str,
) -> None:
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(ParameterError, match=message):
        run(small_study, tmp_path / "out", address=address)
    assert not (tmp_path / "out").exists()


def test_a_pool_that_cannot_start(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    def fail(**_: Any) -> None:
        raise RuntimeError("no room for the object store")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", fail)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    with pytest.raises(PoolError, match="cannot start a pool on this machine: RuntimeError: no ro"):
        run(small_study, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_address_while_connected(pool: Any, small_study: Study, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="address: this process is connected to Ray already"):
        run(small_study, tmp_path / "out", address="auto")


def test_what_cannot_work_is_said_before_anything_is_written(
    small_study: Study, tmp_path: Path
) -> None:
    bad = dataclasses.replace(small_study, n_train=3)
    with pytest.raises(ParameterError, match=r"n_train \(--train-samples\): got 3 samples"):
        run(bad, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_workers_are_counted(small_study: Study, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="workers: got 0"):
        run(small_study, tmp_path, workers=0)


@pytest.mark.parametrize("package", ["ray", "pyarrow"])
def test_without_its_packages_one_line_says_what_to_install(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        BackendMissingError, match=rf"need {package}.*pip install 'neurosparse\[sweep\]'"
    ):
        run(small_study, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = "import sys, neurosparse.sweep; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"ray", "torch", "pyarrow", "matplotlib", "numba", "tqdm", "sklearn"}


def test_this_process_keeps_its_environment(pool: Any, small_study: Study, tmp_path: Path) -> None:
    before = dict(os.environ)
    run(small_study, tmp_path, task=tasks.instant)
    assert dict(os.environ) == before
