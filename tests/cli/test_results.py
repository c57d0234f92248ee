"""What the commands give, on a small network that nobody had to train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.compare import check_dataset_in_lava, evaluate_dataset
from neurosparse.data import Encoding, load_dataset
from neurosparse.loihi import lava_available, read_bundle
from neurosparse.network import Network
from tests.cli.conftest import METADATA, Invoke

InvokeJson = Callable[..., Any]
needs_lava = pytest.mark.skipif(not lava_available(), reason="no lava-nc (see docs/lava.md)")

pytest.importorskip("sklearn")


# ---------------------------------------------------------------------- simulate


def test_simulate_counts_what_the_library_counts(
    invoke_json: InvokeJson, network_file: Path
) -> None:
    got = invoke_json("simulate", network_file, "--samples", 30)
    test = load_dataset("digits", seed=METADATA["seed"])[1].take(np.arange(30))  # type: ignore[arg-type]
    encoding = Encoding.from_dict(METADATA["encoding"])  # type: ignore[arg-type]
    expected = evaluate_dataset(Network.load(network_file), test, encoding)
    assert got["accuracy"] == expected.accuracy
    assert got["samples"] == 30
    assert got["synaptic_events_per_inference"] == expected.activity.total_synaptic_events / 30
    assert sum(got["synaptic_events_by_projection"].values()) == pytest.approx(
        got["synaptic_events_per_inference"]
    )
    assert got["spikes_per_inference"]["output"] == expected.activity.spikes["output"] / 30
    assert (got["seed"], got["dataset"]) == (3, "digits")


def test_options_overrule_the_notes(invoke_json: InvokeJson, network_file: Path) -> None:
    got = invoke_json("simulate", network_file, "--samples", 3, "--steps", 4, "--seed", 8)
    assert got["encoding"] == {**METADATA["encoding"], "n_steps": 4}  # type: ignore[dict-item]
    assert got["seed"] == 8
    other = invoke_json("simulate", network_file, "--samples", 3, "--encoding", "rate")
    assert (other["encoding"]["kind"], other["encoding"]["n_steps"]) == ("rate", 10)


def test_table_and_progress_go_their_own_ways(invoke: Invoke, network_file: Path) -> None:
    result = invoke("simulate", network_file, "--samples", 5)
    assert result.exit_code == 0
    assert "accuracy" in result.stdout
    assert "simulating" not in result.stdout
    assert result.stderr == "simulating 5 test images of digits, 10 steps each\n"


# ---------------------------------------------------------------------- compare


def test_compare_without_training(invoke_json: InvokeJson, network_file: Path) -> None:
    got = invoke_json("compare", network_file, "--no-train")
    ann, snn = got["models"]["dense_ann"], got["models"]["snn"]
    assert ann["accuracy"] is None
    assert ann["macs_per_inference"] == 64 * 20 + 20 * 10
    assert snn["synapses"] == Network.load(network_file).n_synapses
    assert snn["marks"]["energy_joule"] == "estimated"
    assert got["ratios"]["snn"]["synapses"] == pytest.approx(snn["synapses"] / 1480)


def test_compare_trains_the_dense_ann(invoke: Invoke, network_file: Path) -> None:
    pytest.importorskip("torch")
    result = invoke("compare", network_file, "--ann-epochs", 1)
    assert result.exit_code == 0
    assert "training a dense ANN 64-20-10 for 1 epochs" in result.stderr
    assert "dense_ann" in result.stdout
    assert "(estimated)" in result.stdout


def test_compare_on_a_chip_without_a_price_for_macs(
    invoke_json: InvokeJson, network_file: Path
) -> None:
    got = invoke_json("compare", network_file, "--no-train", "--chip", "loihi1")
    assert got["models"]["dense_ann"]["energy_joule"] is None
    assert got["models"]["snn"]["energy_joule"] > 0


# ---------------------------------------------------------------------- export, info


def test_export_writes_a_bundle_with_the_notes(
    invoke_json: InvokeJson, network_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "exported"
    got = invoke_json("export", network_file, "--out", out)
    bundle = read_bundle(out)
    assert bundle.metadata == METADATA
    assert got["tags"] == ["floating_pt", "fixed_pt"]
    assert got["scales"] == bundle.scales
    assert [row["name"] for row in got["projections"]] == ["input->hidden", "hidden->output"]
    assert got["pruned"] + got["synapses"] == Network.load(network_file).n_synapses


def test_export_of_floats_only(invoke_json: InvokeJson, network_file: Path, tmp_path: Path) -> None:
    got = invoke_json("export", network_file, "--out", tmp_path / "b", "--float-only")
    assert got["tags"] == ["floating_pt"]
    assert list(read_bundle(tmp_path / "b").networks) == ["floating_pt"]


def test_dry_run_writes_nothing(invoke: Invoke, network_file: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    result = invoke("export", network_file, "--out", tmp_path / "b", "--dry-run")
    assert result.exit_code == 0
    assert "nothing was written" in result.stdout
    assert sorted(tmp_path.iterdir()) == before


def test_info_on_a_network(invoke_json: InvokeJson, invoke: Invoke, network_file: Path) -> None:
    got = invoke_json("info", network_file)
    network = Network.load(network_file)
    (values,) = got["networks"].values()
    assert values["synapses"] == network.n_synapses
    assert values["bytes"] == network.n_bytes
    assert values["latency"] == 2
    assert got["metadata"] == METADATA
    assert "hidden->output" in invoke("info", network_file).stdout


def test_info_on_a_bundle(invoke_json: InvokeJson, bundle_path: Path) -> None:
    got = invoke_json("info", bundle_path)
    assert got["kind"] == "bundle"
    assert list(got["networks"]) == ["floating_pt", "fixed_pt"]


def test_info_on_the_installation(invoke_json: InvokeJson, invoke: Invoke) -> None:
    parts = invoke_json("info")["parts"]
    rooms = {"core", "cli", "data", "simulate", "plot", "train", "lava", "report", "interop"}
    assert rooms | {"events", "map", "tensorboard", "sweep"} == set(parts)
    assert parts["core"]["numpy"] == np.__version__
    assert "lava-nc" in parts["lava"]
    assert "core" in invoke("info").stdout


# ---------------------------------------------------------------------- run-lava


@needs_lava
@pytest.mark.lava
def test_run_lava_agrees(invoke_json: InvokeJson, bundle_path: Path) -> None:
    got = invoke_json("run-lava", bundle_path, "--samples", 3, "--record", "output")
    assert got["agrees"] is True
    for tag in ("floating_pt", "fixed_pt"):
        outcome = got["lava"][tag]
        assert outcome["spikes_compared"] > 100
        assert outcome["spike_mismatches"] == outcome["value_mismatches"] == 0
        assert outcome["values_compared"] == 2 * 10 * outcome["steps"]
        assert outcome["accuracy"] == outcome["engine_accuracy"]


def silent_lava(path: Path) -> str:
    """Return the body of an interpreter that answers: nobody ever spiked."""
    sizes = {"input": 64, "hidden": 20, "output": 10}
    return f"""
        import numpy
        steps = int(numpy.load(arguments[2])["n_steps"])
        spikes = {{f"spikes:{{n}}": numpy.zeros((steps, k)) for n, k in {sizes!r}.items()}}
        times = {{"start_s": numpy.array(1.0), "run_s": numpy.array(0.1)}}
        numpy.savez(arguments[3], versions=numpy.array("{{}}"), **times, **spikes)
    """


def test_a_mismatch_is_told_and_exits_1(
    invoke: Invoke,
    invoke_json: InvokeJson,
    bundle_path: Path,
    fake_python: Callable[[str], Path],
) -> None:
    options = ("--tag", "fixed_pt", "--interpreter", fake_python(silent_lava(bundle_path)))
    result = invoke("run-lava", bundle_path, "--samples", 2, *options)
    assert result.exit_code == 1
    assert "mismatches" in result.stdout
    assert "fixed_pt: first difference at step " in result.stderr
    assert "ours spiked, the other did not" in result.stderr
    got = invoke_json("run-lava", bundle_path, "--samples", 2, *options, exit_code=1)
    assert got["agrees"] is False
    assert got["lava"]["fixed_pt"]["spike_mismatches"] > 0
    assert got["lava"]["fixed_pt"]["first_mismatch"]["population"] == "input"


def test_check_in_lava_wants_the_data_set_it_was_made_for(bundle_path: Path) -> None:
    from neurosparse.data import ImageDataset
    from neurosparse.errors import ShapeError

    data = ImageDataset("tiny", np.zeros((2, 4)), np.array([0, 1]), n_classes=2, shape=(2, 2))  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="samples of 4 inputs in 2 classes for a network of 64"):
        check_dataset_in_lava(read_bundle(bundle_path), "fixed_pt", data, Encoding("current", 5))
