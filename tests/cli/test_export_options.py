"""``neurosparse export``: the options of the quantiser, and calibration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurosparse.data import Encoding, load_digits
from neurosparse.loihi import CalibrationSet, IntegerGrid, calibrate, quantise, read_bundle
from neurosparse.network import Network
from tests.cli.conftest import METADATA, Invoke, untrained_network
from tests.cli.test_bad_input import Refused, refused

__all__ = ["refused"]

InvokeJson = Callable[..., dict[str, Any]]


def test_options_reach_the_quantiser(
    invoke_json: InvokeJson, network_file: Path, tmp_path: Path
) -> None:
    options = ("--weight-bits", 5, "--scale", "projection", "--percentile", 95, "--keep-small")
    got = invoke_json("export", network_file, "--out", tmp_path / "b", *options)
    grid = IntegerGrid("mixed", 5, "projection", 95, keep_small=True)
    wanted = grid.quantise(Network.load(network_file))
    exported = read_bundle(tmp_path / "b").network("fixed_pt")
    assert exported.projections == wanted.network.projections
    for row, (name, loss) in zip(got["projections"], wanted.weights.items(), strict=True):
        assert row["name"] == name
        assert row["num_weight_bits"] == 5
        assert row["clipped"] == loss.clipped > 0
        assert row["relative_rms_error"] == loss.relative_rms
    assert "calibration" not in got


def test_calibration_on_the_data_set_of_the_notes(
    invoke_json: InvokeJson, invoke: Invoke, network_file: Path, tmp_path: Path
) -> None:
    pytest.importorskip("sklearn")
    arguments = ("export", network_file, "--out", tmp_path / "b", "--calibrate", 20)
    got = invoke_json(*arguments)["calibration"]
    network = Network.load(network_file)
    samples = CalibrationSet.encode(
        network,
        load_digits(METADATA["seed"])[1].take(range(20)),
        Encoding.from_dict(METADATA["encoding"]),
    )
    wanted = calibrate(network, quantise(network), samples)
    assert (got["samples"], got["steps"]) == (20, 10)
    assert got["accuracy"] == wanted.accuracy
    assert got["fixed_accuracy"] == wanted.fixed_accuracy
    assert got["same_answers"] == wanted.same_answers
    for name, change in wanted.populations.items():
        assert got["populations"][name]["spike_agreement"] == change.agreement
    result = invoke(*arguments, "--dry-run")
    assert "accuracy: float" in result.stdout
    assert "20 test images of digits" in result.stderr


def test_nothing_to_calibrate(refused: Refused, network_file: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "b")
    message = refused("export", network_file, *out, "--float-only", "--calibrate", 5)
    assert "--calibrate: compares a float network with its integers" in message
    untrained_network().save(tmp_path / "bare.npz")
    message = refused("export", tmp_path / "bare.npz", *out, "--calibrate", 5)
    assert "--encoding, --steps" in message
    message = refused("export", network_file, *out, "--percentile", 0)
    assert "percentile: got 0.0; allowed is 0 < value <= 100" in message
    assert not (tmp_path / "b").exists()


def test_options_that_would_do_nothing(
    refused: Refused, network_file: Path, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "b")
    message = refused("export", network_file, *out, "--float-only", "--weight-bits", 3)
    assert "--weight-bits: nothing is quantised (--float-only)" in message
    quantise(Network.load(network_file)).network.save(tmp_path / "integers.npz")
    options = ("--sign-mode", "inhibitory", "--percentile", 7)
    message = refused("export", tmp_path / "integers.npz", *out, *options)
    assert "--sign-mode, --percentile: nothing is quantised (the network holds integers" in message
    message = refused("export", network_file, *out, "--data", "digits")
    assert "--data, --seed: are for --calibrate" in message
    assert not (tmp_path / "b").exists()
