"""The examples of the help, one after the other, and the demo."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurosparse.cli.app import COMMANDS
from neurosparse.compare.table import QUANTITIES
from neurosparse.loihi import lava_available
from neurosparse.network import Network
from tests.cli.conftest import Invoke

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")


@pytest.mark.slow
@pytest.mark.lava
def test_the_examples_run(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not lava_available():
        pytest.skip("no lava-nc (see docs/lava.md)")
    monkeypatch.chdir(tmp_path)
    for name, _, example in COMMANDS:
        line = example.replace("epochs 5", "epochs 1")
        if name == "demo":
            continue  # minutes; shorter below
        result = invoke(*shlex.split(line)[1:])
        assert result.exit_code == 0, (line, result.stderr)
        assert result.stdout.strip()


def test_train_keeps_its_budget_and_its_notes(
    invoke_json: Callable[..., Any], tmp_path: Path
) -> None:
    out = tmp_path / "new" / "network.npz"
    options = ("--synapses", "900,700,300", "--epochs", 1, "--seed", 4)
    got = invoke_json("train", "--out", out, *options, "--scheme", "deep_r_global")
    network, metadata = Network.load_with_metadata(out)
    assert network.n_synapses == got["synapses"] == 1900
    assert metadata["scheme"] == got["scheme"] == "deep_r_global"
    assert (metadata["seed"], metadata["dataset"]) == (4, "digits")
    assert metadata["test_accuracy"] == got["test_accuracy"]
    assert sum(layer["dropped"] for layer in got["layers"]) > 0
    simulated = invoke_json("simulate", out)
    assert simulated["accuracy"] == got["test_accuracy"]


def test_train_repeats_under_a_seed_and_resumes(
    invoke_json: Callable[..., Any], tmp_path: Path
) -> None:
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    checkpoint = tmp_path / "checkpoint.pt"
    options = ("--density", 0.03, "--epochs", 1, "--checkpoint", checkpoint)
    one = invoke_json("train", "--out", first, *options)
    assert one["synapses"] == round(0.03 * 50_432)
    two = invoke_json("train", "--out", second, *options, "--resume")
    assert checkpoint.exists()
    assert two == {**one, "network": str(second)}


@pytest.mark.parametrize("options", [["--dense"], ["--scheme", "static"]])
def test_without_rewiring(
    invoke_json: Callable[..., Any], tmp_path: Path, options: list[str]
) -> None:
    got = invoke_json("train", "--out", tmp_path / "n.npz", "--epochs", 1, *options)
    assert all(layer["dropped"] == layer["grown"] == 0 for layer in got["layers"])
    assert (got["synapses"] == got["potential_synapses"]) == ("--dense" in options)
    assert got["scheme"] == options[-1].removeprefix("--")


# ---------------------------------------------------------------------- demo


def fake_report(mismatches: int) -> dict[str, Any]:
    names = ("accuracy", "synapses", "energy_joule")
    model = {
        **dict.fromkeys(QUANTITIES),
        **dict.fromkeys(names, 0.5),
        "marks": dict.fromkeys(names, "measured"),
        "units": {"accuracy": "1", "synapses": "1", "energy_joule": "J"},
    }
    run = {
        "samples": 50,
        "spikes_compared": 100,
        "spike_mismatches": mismatches,
        "first_mismatch": {"text": "step 3"} if mismatches else None,
        "accuracy": 0.9,
        "engine_accuracy": 0.9,
    }
    return {
        "dataset": {"test_samples": 359},
        "models": {"dense_ann": model, "sparse_snn": model},
        "lava": {"fixed_pt": run},
    }


@pytest.mark.parametrize("mismatches", [0, 2])
def test_demo_shows_the_report(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mismatches: int
) -> None:
    report = pytest.importorskip("neurosparse.report")
    asked: dict[str, Any] = {}

    def run_demo(out: Path, **options: Any) -> dict[str, Any]:
        asked.update(options, out=out)
        return fake_report(mismatches)

    monkeypatch.setattr(report, "run_demo", run_demo)
    result = invoke("demo", "--out", tmp_path, "--seed", 2, "--lava-samples", 5, "--timeout", 9)
    assert result.exit_code == (1 if mismatches else 0)
    assert (asked["seed"], asked["lava_samples"], asked["timeout_s"]) == (2, 5, 9.0)
    assert asked["out"] == tmp_path
    assert f"report: {tmp_path / 'report.html'}" in result.stdout
    assert "Accuracy" in result.stdout
    assert "mismatches" in result.stdout
    assert ("spikes differ in Lava's fixed_pt: step 3" in result.stderr) == bool(mismatches)
    as_json = invoke("demo", "--out", tmp_path, "--json")
    assert json.loads(as_json.stdout) == fake_report(mismatches)


@pytest.mark.slow
@pytest.mark.lava
def test_demo_for_real(invoke_json: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    if not lava_available():
        pytest.skip("no lava-nc (see docs/lava.md)")
    got = invoke_json("demo", "--out", tmp_path / "out", "--epochs", 1, "--lava-samples", 2)
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert got == written
    assert got["command"].startswith(f"neurosparse demo --out {tmp_path / 'out'} --data digits")
    assert (tmp_path / "out" / "report.html").is_file()
    assert set(got["models"]) == {"dense_ann", "dense_snn", "sparse_snn"}
    for tag in ("floating_pt", "fixed_pt"):
        assert (got["lava"][tag]["samples"], got["lava"][tag]["spike_mismatches"]) == (2, 0)
