"""``simulate`` without images: what the library does, with files for state, spikes and pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.network import Network
from neurosparse.simulate import Poisson, Recording, State, simulate
from tests.cli.conftest import Invoke

InvokeJson = Callable[..., Any]
DRIVE = ("--poisson", "input=0.1:2.0", "--poisson", "hidden=0.05")
INPUTS = {"input": Poisson(0.1, 2.0), "hidden": Poisson(0.05)}


def test_counts_are_the_librarys(invoke_json: InvokeJson, network_file: Path) -> None:
    got = invoke_json("simulate", network_file, *DRIVE, "--steps", 50, "--seed", 3, "--threads", 2)
    network = Network.load(network_file)
    run = simulate(network, INPUTS, 50, rng=np.random.default_rng(3))
    assert (got["start"], got["steps"]) == (0, 50)
    for name, population in network.populations.items():
        counted = got["populations"][name]
        assert counted["spikes"] == run.spikes[name].n_spikes
        assert counted["spikes_per_neuron_and_step"] == pytest.approx(
            run.spikes[name].n_spikes / population.size / 50
        )
    assert got["populations"]["input"]["spikes"] > 100
    assert got["synaptic_events"] == run.activity.synaptic_events
    assert got["neuron_updates"] == 94 * 50
    other = invoke_json("simulate", network_file, *DRIVE, "--steps", 50, "--seed", 4)
    assert other["populations"] != got["populations"]


def test_a_run_in_two_pieces_streams_as_one(
    invoke_json: InvokeJson, network_file: Path, tmp_path: Path
) -> None:
    pytest.importorskip("h5py")
    file, state = tmp_path / "new" / "run.h5", tmp_path / "new" / "state.npz"
    first = ("--steps", 30, "--seed", 3, "--stream", file, "--checkpoint", state)
    got = invoke_json("simulate", network_file, *DRIVE, *first)
    assert (got["stream"], got["checkpoint"]) == (str(file), str(state))
    assert State.load(state).step == 30
    second = ("--steps", 20, "--resume", state, "--stream", file, "--checkpoint", state)
    got = invoke_json("simulate", network_file, *DRIVE, *second)
    assert (got["start"], got["steps"]) == (30, 20)
    network = Network.load(network_file)
    run = simulate(network, INPUTS, 50, rng=np.random.default_rng(3))
    with Recording(file) as recording:
        assert recording.n_steps == 50
        for name in network.populations:
            assert recording.spikes(name) == run.spikes[name]
    assert State.load(state) == run.state


def test_a_picture(invoke: Invoke, network_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "raster.png"
    result = invoke("simulate", network_file, *DRIVE, "--steps", 20, "--plot", picture)
    assert result.exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "synaptic events" in result.stdout
    assert f"plot: {picture}" in result.stderr


def test_a_bar_where_it_is_asked_for(invoke: Invoke, network_file: Path) -> None:
    pytest.importorskip("tqdm")
    shown = invoke("simulate", network_file, *DRIVE, "--steps", 20, "--progress")
    assert "simulate: " in shown.stderr
    assert invoke("simulate", network_file, *DRIVE, "--steps", 20).stderr == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--poisson", "input"], "--poisson: got 'input'; expected NAME=RATE"),
        (["--poisson", "input=fast"], "--poisson: got 'input=fast'; expected NAME=RATE"),
        (["--poisson", "=0.1"], "--poisson: got '=0.1'; expected NAME=RATE"),
        (["--poisson", "input=0.1:"], "--poisson: got 'input=0.1:'; expected"),
        (["--poisson", "input=-1"], "rate: got -1.0; allowed is 0 to 500"),
        (["--poisson", "inptu=0.1"], "no population 'inptu'; there are 'input'"),
        (["--poisson", "input=1", "--poisson", "input=2"], "'input' is named twice"),
        (["--poisson", "input=0.1", "--data", "digits"], "--data, --samples, --encoding: are"),
        (["--poisson", "input=0.1", "--samples", "3"], "give one kind"),
        (["--resume", "none.npz"], "none.npz: no such file"),
        (["--plot", "raster.gif"], "--plot: got raster.gif; allowed is a name in .png"),
        (["--plot", "a.png", "--stream", "b.h5"], "--plot, --stream: give one of them"),
        (["--stream", "."], "is a folder; name a file"),
        (["--poisson", "input=0.1", "--threads", "0"], "--threads"),
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
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    result = invoke("simulate", network_file, "--steps", 10, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.lower().count("error: ") == 1
    assert message in result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_steps_are_needed(invoke: Invoke, network_file: Path) -> None:
    result = invoke("simulate", network_file, *DRIVE)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--steps: needed, as there are no images" in result.stderr


def test_a_recording_is_not_overwritten(invoke: Invoke, network_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    (tmp_path / "run.h5").write_text("precious")
    options = ("--steps", 10, "--stream", tmp_path / "run.h5")
    result = invoke("simulate", network_file, *DRIVE, *options)
    assert result.exit_code == 2
    assert "run.h5: exists" in result.stderr
    assert (tmp_path / "run.h5").read_text() == "precious"
