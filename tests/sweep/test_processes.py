"""Sweeps in processes of their own: killed, interrupted, on a cluster."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")
pytest.importorskip("pyarrow")
pytest.importorskip("torch")
pytest.importorskip("sklearn")

from neurosparse.sweep import Study
from tests.conftest import ROOT
from tests.sweep.runs import LIMIT_S, assert_same_tables, run, table

_SCRIPT = """
import sys
from neurosparse.sweep import run_cell, run_study
from tests.sweep import tasks
from tests.sweep.test_processes import killable_study
task = {"run_cell": run_cell, "slow": tasks.slow}[sys.argv[2]]
run_study(killable_study(), sys.argv[1], progress=False, figures=False, workers=1, task=task)
"""


def killable_study() -> Study:
    """Six cells, of which the first is finished well before the last."""
    return Study(["static", "deep_r"], [0.05, 0.1, 0.2], [0], epochs=3, n_train=300, n_test=60)


def start(folder: Path, task: str) -> subprocess.Popen[str]:
    """Sweep in a process, with a pool of its own; return once a cell is finished."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(folder), task],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # what runs these tests in the background lets its children ignore the signal
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(lambda: process.poll() is not None or n_finished(folder) > 0)
    return process


def n_finished(folder: Path) -> int:
    return sum(not path.name.endswith(".error.json") for path in folder.glob("cells/*.json"))


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "took too long"
        time.sleep(0.005)


@pytest.mark.slow
def test_a_killed_sweep_goes_on_to_the_same_table(pool: Any, tmp_path: Path) -> None:
    process = start(tmp_path / "killed", "run_cell")
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    found = n_finished(tmp_path / "killed")
    assert 1 <= found < 6
    assert not (tmp_path / "killed" / "results.parquet").exists()
    resumed = run(killable_study(), tmp_path / "killed")
    assert (resumed.n_run, resumed.failures) == (6 - found, {})
    run(killable_study(), tmp_path / "whole")
    assert_same_tables(tmp_path / "killed", tmp_path / "whole")


@pytest.mark.slow
def test_an_interrupted_sweep_leaves_the_table_of_what_is_finished(tmp_path: Path) -> None:
    process = start(tmp_path, "slow")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == -signal.SIGINT, output
    assert output.rstrip().endswith("KeyboardInterrupt")
    assert 1 <= len(table(tmp_path)) == n_finished(tmp_path) < 6


# ------------------------------------------------------------------ a cluster


def ray_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ray.scripts.scripts", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)


@pytest.fixture
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Ray head node of one core, in processes of its own."""
    log = tmp_path_factory.mktemp("head") / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
                *("--port=0", "--num-cpus=1", "--include-dashboard=false"),
                *("--object-store-memory=80000000", "--disable-usage-stats"),
            ],
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
        )
    try:
        marker = "--address='"
        wait_for(lambda: process.poll() is not None or marker in log.read_text())
        assert process.poll() is None, log.read_text()
        yield log.read_text().partition(marker)[2].partition("'")[0]
    finally:
        process.terminate()
        process.wait(LIMIT_S)


_JOIN = """
import sys
from neurosparse.sweep import Study, run_study
from tests.sweep import tasks
study = Study(["static", "deep_r"], [0.05, 0.2], [0], epochs=2, n_train=120, n_test=60)
told = []
result = run_study(
    study, sys.argv[1], address=sys.argv[2], progress=False, figures=False, tell=told.append
)
assert not result.failures, result.failures
assert told[0].endswith("1 at a time"), told
"""


@pytest.mark.slow
def test_on_a_cluster_the_table_is_the_same(
    pool: Any, head: str, small_study: Study, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _JOIN, str(tmp_path / "cluster"), head],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run(dataclasses.replace(small_study, seeds=[0]), tmp_path / "here")
    assert_same_tables(tmp_path / "cluster", tmp_path / "here")
