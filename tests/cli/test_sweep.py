"""``neurosparse sweep``: from options to tables, and what it says of mistakes and failures."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")
pytest.importorskip("pyarrow")
pytest.importorskip("torch")
pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")

import neurosparse.sweep
from neurosparse.sweep import Attack, Study, read_study, run_study, write_tables
from tests.cli.conftest import Invoke
from tests.sweep import tasks
from tests.sweep.conftest import pool

__all__ = ["pool"]

SMALL = ("--densities", "0.1", "--seeds", "0,1", "--epochs", 1, "--train-samples", 100)


def given_task(monkeypatch: pytest.MonkeyPatch, task: Any) -> None:
    """Let the command run something else than training."""
    changed = functools.partial(run_study, task=task)
    monkeypatch.setattr(neurosparse.sweep, "run_study", changed)


def test_a_small_sweep(pool: Any, invoke: Invoke, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke("sweep", *SMALL, "--test-samples", 40, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert "4 of 4 cells, snn on digits" in result.stdout
    assert result.stdout.count(" 10 % ") == 2
    assert f"tables, figures and page: {out}" in result.stdout
    assert result.stderr.startswith("4 cells, 0 of them finished earlier; 2 at a time\n")
    assert len(result.stderr.splitlines()) == 5
    for name in ("results.csv", "epochs.parquet", "index.html", "figures/occams_hill.svg"):
        assert (out / name).exists()


def test_json_and_every_option(
    pool: Any, invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_task(monkeypatch, functools.partial(tasks.instant))
    options = ("--schemes", "deep_r, set", "--model", "ann", "--batch-size", 32)
    options += ("--l1", 0.02, "--temperature", 0.001, "--shift", 1)  # type: ignore[assignment]
    options += ("--learning-rate", 0.01, "--dense-learning-rate", 0.001, "--attack", "pgd")  # type: ignore[assignment]
    options += ("--eps", 0.2, "--attack-steps", 4, "--objective", "trades", "--workers", 1)  # type: ignore[assignment]
    result = invoke("sweep", *SMALL, *options, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.stderr
    got = json.loads(result.stdout)
    assert (got["cells"], got["finished"], got["run_now"], got["failures"]) == (4, 4, 4, {})
    assert len(got["results"]) == 4
    assert "epoch_rows" not in got["results"][0]
    expected = Study(
        ["deep_r", "set"],
        [0.1],
        [0, 1],
        model="ann",
        epochs=1,
        batch_size=32,
        learning_rates=(0.01, 0.001),
        l1=0.02,
        temperature=0.001,
        shift=1,
        attack=Attack("pgd", 0.2, 4),
        objective="trades",
        n_train=100,
    )
    assert read_study(tmp_path / "out")[1] == expected


def test_failures_are_told_at_the_end_and_again_tried(
    pool: Any, invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_task(monkeypatch, tasks.one_raises)
    result = invoke("sweep", *SMALL, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "3 of 4 cells" in result.stdout
    last = result.stderr.splitlines()[-2:]
    assert last[0].startswith("failed: static-d0.100000-s0001-")
    assert last[0].endswith(": ArithmeticError: this cell does not add up")
    assert "the same command tries them again" in last[1]
    given_task(monkeypatch, tasks.instant)
    again = invoke("sweep", *SMALL, "--out", tmp_path / "out")
    assert (again.exit_code, "4 of 4 cells" in again.stdout) == (0, True)


def test_all_schemes() -> None:
    from neurosparse.cli.sweep import _schemes
    from neurosparse.sparsify import CATALOGUE

    assert _schemes("all") == tuple(CATALOGUE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--schemes", "deep_q"), "scheme: got 'deep_q'; allowed is static, deep_r"),
        (("--densities", "0.1,2"), "density: got 2.0; allowed is 0 < value <= 1"),
        (("--densities", "few"), "--densities: got 'few'; expected numbers, as in"),
        (("--seeds", "0.5"), "--seeds: got '0.5'; expected whole numbers, as in"),
        (("--attack", "pgd", "--eps", "3"), "eps: got 3.0"),
        (("--attack", "fgsm", "--attack-steps", "3"), "steps of fgsm: got 3"),
        (("--objective", "mart"), "objective: needs attack"),
        (("--dense-learning-rate", "0.1"), "give --learning-rate too"),
        (("--learning-rate", "-1"), "learning_rate: got -1.0"),
        (
            ("--learning-rate", "0.1", "--dense-learning-rate", "0"),
            "learning_rate: got 0.0; allowed is > 0",
        ),
        (("--eps", "0.2"), "--eps: give --attack too"),
        (("--attack-steps", "3"), "--attack-steps: give --attack too"),
        (("--seeds", str(2**63)), "seed: got 9223372036854775808; allowed is"),
        (("--data", "nosuch"), "data set: got 'nosuch'; allowed is digits"),
        (("--shift", "8"), "shift: got 8; allowed is a whole number, 0 to 7"),
        (("--train-samples", "3"), "--train-samples): got 3 samples"),
    ],
)
def test_bad_options(
    invoke: Invoke, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = invoke("sweep", *arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()


def test_an_interrupt_is_told(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(study: Study, out: Path, **_: Any) -> None:
        if out.name == "late":
            write_tables([], out)
        raise KeyboardInterrupt

    monkeypatch.setattr(neurosparse.sweep, "run_study", interrupted)
    late = invoke("sweep", "--out", tmp_path / "late")
    assert late.exit_code == 130
    assert late.stderr == (
        f"interrupted: the tables of the finished cells are written to {tmp_path}/late; "
        "the same command goes on\n"
    )
    early = invoke("sweep", "--out", tmp_path / "early")
    assert (early.exit_code, early.stdout) == (130, "")
    assert early.stderr == "interrupted: the same command goes on\n"


def test_an_unreachable_cluster(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    result = invoke("sweep", "--address", "127.0.0.1:9", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: address: nothing answers at 127.0.0.1:9")
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    result = invoke("sweep", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path}/out: is a file; name a folder\n"
