"""The user's own mistakes: exit code 2, one message on stderr, no traceback, nothing written."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.errors import ParameterError
from neurosparse.loihi import write_bundle
from neurosparse.network import LIF, Network
from tests.cli.conftest import METADATA, Invoke, untrained_network

FakePython = Callable[[str], Path]


@pytest.fixture
def refused(invoke: Invoke) -> Callable[..., str]:
    """Call a command that must be refused; return its message."""

    def call(*arguments: object) -> str:
        result = invoke(*arguments)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        assert result.stderr.lower().count("error: ") == 1
        message: str = result.stderr
        return message

    return call


Refused = Callable[..., str]


# ---------------------------------------------------------------------- files


def test_network_that_is_not_there(refused: Refused, tmp_path: Path) -> None:
    for command in ("simulate", "compare", "info"):
        assert "no such file" in refused(command, tmp_path / "none.npz")


def test_wrong_file(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_text("not a network")
    np.savez(tmp_path / "y.npz", a=np.zeros(3))
    for name in ("x.npz", "y.npz"):
        assert "not a readable network file" in refused("info", tmp_path / name)
        assert name in refused("export", tmp_path / name, "--out", tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_truncated_network(refused: Refused, network_file: Path) -> None:
    network_file.write_bytes(network_file.read_bytes()[:-100])
    assert "truncated" in refused("simulate", network_file)


def test_bundle_edited_by_hand(refused: Refused, bundle_path: Path) -> None:
    manifest = bundle_path / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"digits"', '"mnist"'))
    assert "manifest.json was changed after the export" in refused("run-lava", bundle_path)
    assert "was changed" in refused("info", bundle_path)
    manifest.write_text(text)
    (bundle_path / "arrays.npz").write_bytes(b"PK")
    assert "arrays.npz was changed after the export" in refused("run-lava", bundle_path)


def test_folder_that_is_no_bundle(refused: Refused, tmp_path: Path) -> None:
    assert "not a bundle" in refused("run-lava", tmp_path)
    assert "not a bundle" in refused("info", tmp_path)


def test_foreign_notes(refused: Refused, tmp_path: Path) -> None:
    network = untrained_network()
    path = tmp_path / "n.npz"
    for metadata, message in [
        ({}, "--encoding, --steps: give both"),
        ({"encoding": METADATA["encoding"]}, "--data: give it"),
        ({"encoding": "rate"}, "'encoding' is a str; expected dict"),
        ({**METADATA, "dataset": ["digits"]}, "'dataset' is a list; expected str"),
        ({**METADATA, "encoding": {"kind": "smell", "n_steps": 3}}, "kind: got 'smell'"),
    ]:
        network.save(path, metadata)
        assert message in refused("simulate", path)


# ---------------------------------------------------------------------- data


def test_unknown_data_set(refused: Refused, network_file: Path) -> None:
    message = refused("simulate", network_file, "--data", "imagenet")
    assert "data set: got 'imagenet'; allowed is digits" in message


def test_truncated_idx(refused: Refused, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    for part, n in (("train", 20), ("t10k", 10)):
        images = np.array([0x803, n, 8, 8], dtype=">u4").tobytes() + bytes(64 * n)
        labels = np.array([0x801, n], dtype=">u4").tobytes() + bytes(n)
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(images[:-7])
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    out = tmp_path / "network.npz"
    message = refused("train", "--data", tmp_path, "--out", out)
    assert "train-images-idx3-ubyte: expected 1296 bytes, got 1289" in message
    assert not out.exists()


def test_images_of_another_size(refused: Refused, network_file: Path, tmp_path: Path) -> None:
    for part in ("train", "t10k"):
        images = np.array([0x803, 4, 2, 2], dtype=">u4").tobytes() + bytes(16)
        labels = np.array([0x801, 4], dtype=">u4").tobytes() + bytes([0, 1, 0, 1])
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(images)
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    assert "(n_steps, n_samples, 64)" in refused("simulate", network_file, "--data", tmp_path)
    pytest.importorskip("torch")
    message = refused("train", "--data", tmp_path, "--out", tmp_path / "n.npz")
    assert "4 inputs; there are presets for 64, 784, 2312" in message


def test_more_samples_than_there_are(refused: Refused, network_file: Path) -> None:
    message = refused("simulate", network_file, "--samples", 1000)
    assert "--samples: got 1000; the test set holds 359" in message


# ---------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--density", "0"], "--density: got 0.0; allowed is 0 < value <= 1"),
        (["--density", "2"], "--density: got 2.0; allowed is 0 < value <= 1"),
        (["--density", "nan"], "--density: got nan; allowed is"),
        (
            ["--synapses", "99999,10,10"],
            "--synapses: got 99999 for layer 1, 64 to 256 neurons; allowed is 1 to 16384",
        ),
        (["--synapses", "10,10,1281", "--scheme", "gmp"], "--synapses: got 1281 for layer 3"),
        (["--synapses", "0,10,10"], "--synapses: got 0 for layer 1"),
        (["--synapses", "10,-1,10", "--scheme", "gmp"], "--synapses: got -1 for layer 2"),
        (["--synapses", "10,10"], "--synapses: got 2 numbers for 3 layers"),
        (["--synapses", "10,10", "--scheme", "gmp"], "--synapses: got 2 numbers for 3 layers"),
        (["--synapses", "10,ten,10"], "--synapses: got '10,ten,10'; expected whole numbers"),
        (["--density", "0.1", "--dense"], "--density, --synapses, --dense: give one of them"),
        (["--epochs", "0"], "--epochs"),
        (["--seed", "-1"], "--seed"),
        (["--l1", "-1"], "--l1: got -1.0; allowed is >= 0, finite"),
        (["--l1", "nan", "--scheme", "static"], "--l1: got nan; allowed is >= 0, finite"),
        (["--temperature", "-1", "--scheme", "set"], "--temperature: got -1.0; allowed is >= 0"),
        (["--weight-decay", "-1"], "--weight-decay: got -1.0; allowed is >= 0, finite"),
        (["--weight-decay", "inf", "--dense"], "--weight-decay: got inf; allowed is >= 0, finite"),
        (["--learning-rate", "-1"], "--learning-rate: got -1.0; allowed is > 0, finite"),
        (["--learning-rate", "nan"], "--learning-rate: got nan; allowed is > 0, finite"),
        (["--rate-target", "2"], "--rate-target: got 2.0; allowed is 0 <= value <= 1"),
        (["--shift", "8"], "--shift: got 8; allowed is a whole number, 0 to 7"),
        (["--dense", "--scheme", "rigl"], "--dense, --scheme: contradict each other"),
        (
            ["--dense", "--scheme", "deep_r", "--l1", "0.5", "--temperature", "0"],
            "leave out --dense or --scheme and --l1 and --temperature",
        ),
        (["--scheme", "magic"], "scheme: got 'magic'; allowed is static, deep_r, "),
        (["--resume"], "--resume: needs --checkpoint, the file to go on from"),
        (["--data", "imagenet"], "data set: got 'imagenet'"),
    ],
)
def test_train(refused: Refused, tmp_path: Path, options: list[str], message: str) -> None:
    pytest.importorskip("torch")
    assert message in refused("train", "--out", tmp_path / "network.npz", *options)
    assert list(tmp_path.iterdir()) == []


def test_wrong_use(refused: Refused, network_file: Path) -> None:
    assert "No such command" in refused("trian")
    assert "No such option" in refused("simulate", network_file, "--sample", 3)
    assert "Missing option '--out'" in refused("export", network_file)


def test_unknown_chip(refused: Refused, network_file: Path) -> None:
    assert "loihi9" in refused("compare", network_file, "--no-train", "--chip", "loihi9")


def test_timeout_must_be_positive(refused: Refused, bundle_path: Path) -> None:
    assert "timeout_s: got 0" in refused("run-lava", bundle_path, "--timeout", 0)


# ---------------------------------------------------------------------- places to write


def test_places_that_cannot_be_written(
    refused: Refused, network_file: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    (tmp_path / "file").write_text("here")
    before = sorted(tmp_path.iterdir())
    inside = tmp_path / "file" / "below" / "x"
    assert f"{inside}: cannot be written" in refused("train", "--out", inside)
    assert "name a file" in refused("train", "--out", tmp_path)
    assert "cannot be written" in refused(
        "train", "--out", tmp_path / "n.npz", "--checkpoint", inside
    )
    assert "Not a directory" in refused("export", network_file, "--out", inside)
    assert "is no directory" in refused("export", network_file, "--out", tmp_path / "file")
    assert "something other than a bundle" in refused("export", network_file, "--out", tmp_path)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "file").read_text() == "here"


def test_demo_into_a_file(refused: Refused, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("torch")
    (tmp_path / "file").write_text("here")
    assert "file" in refused("demo", "--out", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "here"


# ---------------------------------------------------------------------- export and Lava


def test_every_violation_at_once(refused: Refused, tmp_path: Path) -> None:
    neuron = LIF(du=(0.5, 0.25), dv=0.1, vth=1.0, refractory=63, reset="subtract")
    untrained_network(hidden=neuron).save(tmp_path / "n.npz", METADATA)
    message = refused("export", tmp_path / "n.npz", "--out", tmp_path / "b")
    assert "cannot be exported: 3 violations" in message
    for word in ("refractory", "subtract", "receptors"):
        assert word in message
    assert not (tmp_path / "b").exists()


def test_weights_that_cannot_be_quantised(
    refused: Refused, network_file: Path, tmp_path: Path
) -> None:
    message = refused("export", network_file, "--out", tmp_path / "b", "--sign-mode", "excitatory")
    assert "weights are negative; use 'mixed'" in message
    assert "cannot be exported: 2 violations" in message
    assert not (tmp_path / "b").exists()


def test_lava_missing(refused: Refused, bundle_path: Path, fake_python: FakePython) -> None:
    python = fake_python("sys.exit(4)")
    message = refused("run-lava", bundle_path, "--samples", 1, "--interpreter", python)
    assert "install it there with pip install --no-deps --ignore-requires-python" in message
    nowhere = bundle_path / "python9"
    assert "cannot start" in refused(
        "run-lava", bundle_path, "--samples", 1, "--interpreter", nowhere
    )


def test_demo_with_lava_missing(refused: Refused, tmp_path: Path, fake_python: FakePython) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("torch")
    python = fake_python("sys.exit(1)")
    message = refused("demo", "--out", tmp_path / "out", "--interpreter", python)
    assert "Lava is not installed in" in message
    assert "--lava-samples 0" in message
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [python]


def test_child_that_hangs(refused: Refused, bundle_path: Path, fake_python: FakePython) -> None:
    python = fake_python("time.sleep(600)")
    options = ("--samples", 1, "--interpreter", python, "--timeout", 0.5)
    assert "Lava did not finish within 0.5 s" in refused("run-lava", bundle_path, *options)


def test_child_that_dies(refused: Refused, bundle_path: Path, fake_python: FakePython) -> None:
    python = fake_python("print('out of memory'); sys.exit(9)")
    message = refused("run-lava", bundle_path, "--samples", 1, "--interpreter", python)
    assert "Lava failed with status 9\n  | out of memory" in message


def test_tag_and_population_that_are_not_there(refused: Refused, tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "float", untrained_network(), metadata=METADATA).path
    assert "holds 'floating_pt'; export" in refused("run-lava", path, "--tag", "fixed_pt")
    assert "'hiden' is no population of neurons" in refused("run-lava", path, "--record", "hiden")


# ---------------------------------------------------------------------- how it is told


def test_debug_shows_the_traceback(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("--debug", "info", tmp_path / "none.npz")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback (most recent call last)" in result.stderr
    assert "StorageError" in result.stderr


def test_interrupt_is_quiet(
    invoke: Invoke, network_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Network, "load_with_metadata", interrupt)
    result = invoke("simulate", network_file)
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "")


def test_a_bug_is_not_dressed_up(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Network, "load_with_metadata", stumble)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        invoke("info", "x.npz")


def test_messages_of_the_library_come_through(
    refused: Refused, network_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ParameterError("threshold: got -1; allowed is > 0")

    monkeypatch.setattr(Network, "load_with_metadata", fail)
    assert refused("info", network_file) == "error: threshold: got -1; allowed is > 0\n"


# ---------------------------------------------------------------------- as a process


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    code = "from neurosparse.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, **options
    )


def test_streams_of_a_process(network_file: Path, tmp_path: Path) -> None:
    good = run("info", network_file, "--json")
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout)["kind"] == "network"
    bad = run("info", tmp_path / "none.npz", "--json")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr == f"error: {tmp_path / 'none.npz'}: no such file\n"


def test_ctrl_c_while_a_child_hangs(bundle_path: Path, fake_python: FakePython) -> None:
    """The whole way: a signal, the child's end, the exit code."""
    ready = bundle_path.parent / "ready"
    python = fake_python(f"open({str(ready)!r}, 'w').close(); time.sleep(600)")
    code = "from neurosparse.cli import main; main()"
    options = ["--samples", "1", "--tag", "fixed_pt", "--interpreter", str(python)]
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run-lava", str(bundle_path), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # what runs these tests in the background lets its children ignore the signal
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    try:
        while not ready.exists():
            assert process.poll() is None, process.communicate()[1]
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, stdout) == (130, "")
    assert "Traceback" not in stderr


def test_a_terminal_without_greek_letters(network_file: Path) -> None:
    import os

    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = run("compare", network_file, "--no-train", "--chip", "loihi1", env=environment)
    assert done.returncode == 0, done.stderr
    assert "Energy per inference" in done.stdout
