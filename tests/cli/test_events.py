"""The commands on recorded events: a small N-MNIST, written here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.cli.inputs import first_samples
from neurosparse.compare import evaluate_dataset
from neurosparse.data import Encoding, load_dataset
from neurosparse.loihi import lava_available, quantise, write_bundle
from neurosparse.network import LIF, Network, Population, Projection, Synapses
from tests.cli.conftest import Invoke
from tests.data.event_writers import needs_tonic, write_published

InvokeJson = Callable[..., Any]
pytestmark = needs_tonic
ENCODING = Encoding("events", n_steps=8, step_us=5000)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    rng = np.random.default_rng(2)

    def recording() -> list[tuple[int, int, int, int]]:
        columns = [rng.integers(0, bound, 200) for bound in (34, 34, 50_000, 2)]
        return list(zip(*(column.tolist() for column in columns), strict=True))

    parts = {p: {d: [recording() for _ in range(2)] for d in "037"} for p in ("Train", "Test")}
    return write_published(tmp_path / "saccades", parts)


@pytest.fixture
def network(recordings: Path) -> Network:
    synapses = Synapses.random(
        2312,
        10,
        density=0.1,
        weights=lambda r, n: r.normal(0.2, 0.4, n),
        rng=np.random.default_rng(3),
    )
    populations = {"input": Population(2312), "output": Population(10, LIF(dv=0.1, vth=1.0))}
    return Network(populations, [Projection("input", "output", synapses)])


@pytest.fixture
def notes(recordings: Path) -> dict[str, Any]:
    return {"dataset": str(recordings), "encoding": ENCODING.to_dict(), "seed": 0}


@pytest.fixture
def network_file(network: Network, notes: dict[str, Any], tmp_path: Path) -> Path:
    network.save(tmp_path / "net.npz", notes)
    return tmp_path / "net.npz"


def test_simulate_counts_what_the_library_counts(
    invoke_json: InvokeJson, network_file: Path, network: Network, recordings: Path
) -> None:
    got = invoke_json("simulate", network_file)
    expected = evaluate_dataset(network, load_dataset(recordings)[1], ENCODING)
    assert (got["samples"], got["accuracy"]) == (6, expected.accuracy)
    assert got["encoding"] == ENCODING.to_dict()
    assert got["spikes_per_inference"]["output"] == expected.activity.spikes["output"] / 6 > 0
    chosen = invoke_json(
        "simulate", network_file, "--samples", 2, "--encoding", "events", "--steps", 4
    )
    assert (chosen["samples"], chosen["encoding"]["step_us"]) == (2, 5000)


def test_few_samples_are_of_several_classes(recordings: Path) -> None:
    train, test = load_dataset(recordings)
    assert first_samples(test, 3).labels.tolist() == [0, 3, 7]
    assert first_samples(train, 5).labels.tolist() == [0, 3, 7, 0, 3]


def test_events_need_an_encoding_of_events(invoke: Invoke, network_file: Path) -> None:
    result = invoke("simulate", network_file, "--encoding", "rate")
    assert result.exit_code == 2
    assert "kind 'rate' takes images" in result.stderr


def test_compare_counts_but_trains_no_ann(
    invoke: Invoke, invoke_json: InvokeJson, network_file: Path
) -> None:
    got = invoke_json("compare", network_file, "--no-train")
    assert got["samples"] == 6
    result = invoke("compare", network_file)
    assert result.exit_code == 2
    assert "--no-train: give it, as no ANN is trained on the events of" in result.stderr


def test_demo_says_that_it_is_for_images(invoke: Invoke, recordings: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("jinja2")
    result = invoke("demo", "--out", tmp_path / "out", "--data", recordings, "--lava-samples", 0)
    assert result.exit_code == 2
    assert "which holds events; the main job trains a dense ANN on images too" in result.stderr


@pytest.mark.lava
@pytest.mark.skipif(not lava_available(), reason="no lava-nc (see docs/lava.md)")
def test_lava_agrees_on_events(
    invoke_json: InvokeJson, network: Network, notes: dict[str, Any], tmp_path: Path
) -> None:
    bundle = write_bundle(tmp_path / "bundle", network, quantise(network), notes)
    got = invoke_json("run-lava", bundle.path, "--samples", 2)
    assert got["agrees"]
    assert got["lava"]["fixed_pt"]["samples"] == 2


def test_train_on_the_published_layout(
    invoke: Invoke, recordings: Path, tmp_path: Path, invoke_json: InvokeJson
) -> None:
    """From event files to a trained, simulated network, and all that is written on the way."""
    pytest.importorskip("torch")
    net, table, curves = tmp_path / "trained.npz", tmp_path / "run.csv", tmp_path / "curves"
    options = ["--epochs", "2", "--batch-size", "3", "--shift", "1", "--rate-target", "0.1"]
    logs = ["--csv", str(table), "--tensorboard", str(curves)]
    result = invoke("train", "--data", str(recordings), "--out", str(net), *options, *logs)
    assert result.exit_code == 0, result.stderr
    assert "2312-512-10" in result.stderr
    lines = table.read_text().splitlines()
    assert lines[0].startswith("epoch,loss,train_accuracy")
    assert len(lines) == 3
    assert any(curves.iterdir())
    network = Network.load(net)
    assert [p.synapses.n_active for p in network.projections] == [10_889, 1000]
    answer = invoke_json("simulate", str(net))
    assert answer["samples"] == 6
