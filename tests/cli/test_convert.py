"""``neurosparse convert`` between files of every kind it knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.network import LIF, Network, Population
from tests.cli.conftest import METADATA, untrained_network
from tests.interop.netx_files import NEURON, block, write_net

pytest.importorskip("typer")
pytest.importorskip("nir")

import typer
from typer.testing import CliRunner, Result

from neurosparse.cli.app import Commands
from neurosparse.cli.convert import convert

Invoke = Callable[..., Result]


@pytest.fixture
def invoke() -> Invoke:
    """Call the command by itself."""
    app = typer.Typer(cls=Commands, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    app.command("convert")(convert)

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(
            app, ["convert", *(str(a) for a in arguments)], catch_exceptions=False
        )

    return call


@pytest.fixture
def refused(invoke: Invoke) -> Callable[..., str]:
    """Call the command, which must be refused; return its message."""

    def call(*arguments: object) -> str:
        result = invoke(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.count("error: ") == 1
        return str(result.stderr)

    return call


def test_to_nir_and_back(invoke: Invoke, network_file: Path, tmp_path: Path) -> None:
    result = invoke(network_file, tmp_path / "x.nir", "--dt", 0.001)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'x.nir'}: float network of 94 neurons and 356 synapses\n"
    assert "NIR has no place for the notes dataset, encoding, scheme, seed" in result.stderr
    result = invoke(tmp_path / "x.nir", tmp_path / "y.npz", "--json")
    assert json.loads(result.stdout) == {
        "source": str(tmp_path / "x.nir"),
        "target": str(tmp_path / "y.npz"),
        "kind": "float",
        "neurons": 94,
        "synapses": 356,
        "latency": 2,
        "warnings": [],
        "left_out": [],
    }
    assert Network.load(tmp_path / "y.npz") == untrained_network()


def test_notes_stay_in_files_of_our_own(invoke: Invoke, network_file: Path, tmp_path: Path) -> None:
    assert invoke(network_file, tmp_path / "y.npz").stderr == ""
    assert Network.load_with_metadata(tmp_path / "y.npz") == (untrained_network(), METADATA)


def test_from_netx(invoke: Invoke, tmp_path: Path) -> None:
    neuron = NEURON | {"refDelay": 3}
    layers = [block("input", [2]), block("dense", [2], weight=np.eye(2) * 6, neuron=neuron)]
    path = write_net(tmp_path / "x.net", layers)
    result = invoke(path, tmp_path / "x.npz")
    assert (result.exit_code, result.stdout) == (
        0,
        f"{tmp_path / 'x.npz'}: integer network of 2 neurons and 2 synapses\n",
    )
    assert "warning: " in result.stderr
    assert "layer 1: refDelay=3 is passed over" in result.stderr
    result = invoke(path, tmp_path / "y.npz", "--refractory", "--message-bits", 4)
    assert result.stderr == ""
    network = Network.load(tmp_path / "y.npz")
    assert network.populations["layer1"].neuron.refractory == 2  # type: ignore[union-attr]
    assert network.projections[0].format.num_message_bits == 4  # type: ignore[union-attr]


def test_resets_by_subtraction(invoke: Invoke, tmp_path: Path) -> None:
    network = Network({"in": Population(2, LIF())}, inputs=["in"], outputs=["in"])
    network.save(tmp_path / "x.npz")
    assert invoke(tmp_path / "x.npz", tmp_path / "x.nir").stderr == ""
    # what is noted counts, not the option
    assert invoke(tmp_path / "x.nir", tmp_path / "y.npz", "--reset", "subtract").exit_code == 0
    assert Network.load(tmp_path / "y.npz") == network


def test_refusals(refused: Callable[..., str], network_file: Path, tmp_path: Path) -> None:
    files: dict[str, Any] = {suffix: tmp_path / f"z.{suffix}" for suffix in ("npz", "nir", "net")}
    cases: list[tuple[tuple[object, ...], str]] = [
        ((tmp_path / "x.onnx", files["npz"]), "allowed are files named .npz, .nir, .net"),
        ((network_file, tmp_path / "x.h5"), "allowed are files named .npz, .nir"),
        ((network_file, files["net"]), "(lava-dl's NetX is read only)"),
        ((network_file, network_file), "which is the source; give another file"),
        ((files["nir"], files["npz"]), "z.nir: no such file"),
        ((files["net"], files["npz"]), "z.net: no such file"),
        ((files["npz"], files["nir"]), "z.npz: no such file"),
        ((network_file, files["npz"], "--dt", 1), "--dt: says nothing of .npz to .npz"),
        ((network_file, files["nir"], "--reset", "zero"), "--reset: says nothing of .npz to .nir"),
        ((network_file, files["nir"], "--refractory"), "--refractory: says nothing of .npz"),
        ((network_file, files["nir"], "--message-bits", 3), "--message-bits: says nothing"),
        ((network_file, files["nir"], "--dt", 0), "dt: got 0.0; allowed is > 0"),
    ]
    for arguments, message in cases:
        assert message in refused(*arguments)
    assert not any(path.exists() for path in files.values())


def test_what_nir_cannot_say(refused: Callable[..., str], tmp_path: Path) -> None:
    network = Network({"a": Population(2, LIF(refractory=2)), "b": Population(1, LIF(du=0.0))})
    network.save(tmp_path / "x.npz")
    message = refused(tmp_path / "x.npz", tmp_path / "x.nir")
    assert "2 problems" in message
    assert "population 'a': refractory=2" in message
    assert "population 'b': du=0.0" in message
    assert not (tmp_path / "x.nir").exists()
