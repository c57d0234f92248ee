"""``neurosparse map``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurosparse.loihi.mapping import Mapping, block_names
from neurosparse.network import Network
from tests.cli.conftest import Invoke


def test_it_says_what_is_needed(invoke: Invoke, network_file: Path) -> None:
    result = invoke("map", network_file, "--chip", "loihi1")
    assert result.exit_code == 0
    assert "input, hidden, output" in result.stdout  # one core holds them all
    assert "1 core of loihi1, 1 chip; nearest limit by cores: neurons (1); dense needs 1" in (
        result.stdout
    )
    assert "sequential" in result.stdout
    assert "float weights are counted as 8 bits" in result.stderr


def test_json_and_files(
    invoke_json: Callable[..., Any], network_file: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    out, split, figure = (tmp_path / name for name in ("m.json", "split.npz", "m.png"))
    options = ("--out", out, "--split", split, "--figure", figure, "--method", "sequential")
    got = invoke_json("map", network_file, *options)
    assert (got["chip"], got["cores"], got["method"]) == ("loihi2", 3, "sequential")
    assert got["messages_are_spikes"] is False
    assert "per_inference" not in got
    network = Network.load(network_file)
    mapping = Mapping.load(out)
    mapping.verify(network)
    parts = Network.load(split)
    assert list(parts.populations) == [n for names in block_names(mapping).values() for n in names]
    assert parts.n_synapses == network.n_synapses
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_samples_tell_spikes_and_energy(
    invoke: Invoke, invoke_json: Callable[..., Any], network_file: Path
) -> None:
    pytest.importorskip("sklearn")
    got = invoke_json("map", network_file, "--samples", 5, "--method", "sequential")
    per_inference = got["per_inference"]
    assert got["messages_are_spikes"] is True
    assert got["messages_per_step"]["between_cores"] > 0
    assert per_inference["mark"] == "estimated"
    assert 0 < per_inference["energy_joule"][0] <= per_inference["energy_joule"][1]
    assert 0 < per_inference["time_seconds"][0] <= per_inference["time_seconds"][1]
    shown = invoke("map", network_file, "--samples", 5)
    assert "estimated per image:" in shown.stdout


def test_boards(
    invoke: Invoke, invoke_json: Callable[..., Any], network_file: Path, tmp_path: Path
) -> None:
    got = invoke_json("map", network_file, "--board", "nahuku-8")
    assert got["board"] == {"name": "nahuku-8", "cores": 1024, "boards": 1, "fits": True}
    small = tmp_path / "small.toml"
    small.write_text(
        '[board]\nname = "small"\ntitle = "Two cores"\nchip = "loihi1"\n'
        '[board.n_chips]\nvalue = 1\nunit = "1"\nsource = "test"\nconfidence = "low"\n'
        '[board.cores_per_chip]\nvalue = 2\nunit = "1"\nsource = "test"\nconfidence = "low"\n'
    )
    result = invoke("map", network_file, "--board", small, "--method", "sequential")
    assert result.exit_code == 1
    assert "does not fit: 2 of this board are needed" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--chip", "loihi1", "--board", "nahuku-8"], "--chip, --board: give one"),
        (["--chip", "loihi9"], "chip: got 'loihi9'"),
        (["--chip", "cmos-45nm"], "states no cores or no encoding"),
        (["--data", "digits"], "are for --samples"),
        (["--figure", "map.xyz"], "--figure: "),
        (["--out", "x.json", "--split", "x.json"], "--split: x.json is what --out names"),
    ],
)
def test_wrong_use(
    invoke: Invoke,
    network_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    message: str,
) -> None:
    if "--figure" in options:
        pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    result = invoke("map", network_file, *options)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize("option", ["--out", "--split", "--figure"])
def test_the_network_is_never_written_over(invoke: Invoke, network_file: Path, option: str) -> None:
    before = network_file.read_bytes()
    result = invoke("map", network_file, option, network_file)
    assert result.exit_code == 2
    assert "is what NETWORK names; give another file" in result.stderr
    assert network_file.read_bytes() == before
