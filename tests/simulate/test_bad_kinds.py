"""Arguments of another kind than is expected: each is named, and nothing is written."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.errors import NeurosparseError, ParameterError, ShapeError, StorageError
from neurosparse.simulate import Poisson, Probe, Recording, State, simulate
from tests.simulate.small_networks import FLOAT

REST = State.at_rest(FLOAT)


def look(_: Any) -> None:
    """Rewire nothing."""


@pytest.mark.parametrize("network", [3, None, {"in": 3}, type(FLOAT)])
def test_networks(network: Any) -> None:
    with pytest.raises(ParameterError, match=r"network: got .*; expected a Network"):
        simulate(network, {}, 3)
    with pytest.raises(ParameterError, match=r"network: got .*; expected a Network"):
        State.at_rest(network)
    with pytest.raises(ParameterError, match=r"network: got .*; expected a Network"):
        REST.check_fits(network)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"state": 3}, "state: got 3; expected a State"),
        ({"state": "state.npz"}, "state: got 'state.npz'; expected a State"),
        ({"state": False}, "state: got False; expected a State"),
        ({"state": State}, "state: got the class State; expected a State"),
        ({"probes": ["in"]}, "probes[0]: got 'in'; expected a Probe"),
        ({"probes": [Probe("out", "v"), None]}, "probes[1]: got None; expected a Probe"),
        ({"probes": 3}, "probes: got 3; expected a sequence of Probe"),
        ({"probes": None}, "probes: got None; expected a sequence of Probe"),
        ({"probes": "out"}, "probes: got 'out'; expected a sequence of Probe"),
        ({"probes": Probe("out", "v")}, "probes: got a Probe; expected a sequence of Probe"),
        ({"record": "in"}, "record: got 'in'; expected a sequence of names of populations"),
        ({"record": b"in"}, "record: got b'in'; expected a sequence of names of populations"),
        ({"record": 3}, "record: got 3; expected a sequence of names of populations"),
        ({"between": 3, "between_every": 2}, "between: got 3; expected a callable"),
        ({"between": [look], "between_every": 2}, "between: got a list; expected a callable"),
        ({"stream": 3}, "stream: got 3; expected the path of a file"),
        ({"stream": b"a.h5"}, "stream: got b'a.h5'; expected the path of a file"),
        ({"stream": ""}, "stream: got ''; expected the path of a file"),
        ({"stream": "a\0b"}, "stream: got 'a\\x00b'; expected the path of a file"),
        ({"stream": "\ud800"}, "stream: got '\\ud800'; expected the path of a file"),
        ({"stream": ["a.h5"]}, "stream: got a list; expected the path of a file"),
        ({"checkpoint": 3}, "checkpoint: got 3; expected the path of a file"),
        ({"checkpoint": ""}, "checkpoint: got ''; expected the path of a file"),
        ({"checkpoint": True}, "checkpoint: got True; expected the path of a file"),
        ({"progress": "no"}, "progress: got 'no'; expected True or False"),
        ({"progress": None}, "progress: got None; expected True or False"),
        ({"progress": np.ones(3)}, "progress: got a ndarray; expected True or False"),
    ],
)
def test_options(
    options: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match=re.escape(message)):
        simulate(FLOAT, {}, 3, **{"stream": "run.h5", "checkpoint": "state.npz", **options})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["stream", "checkpoint"])
def test_names_that_are_too_long(option: str) -> None:
    with pytest.raises(StorageError, match="name too long"):
        simulate(FLOAT, {}, 3, **{option: "a" * 300})  # type: ignore[arg-type]


def test_what_may_be_many_things(tmp_path: Path) -> None:
    """A generator is read once, names and probes may stand twice, a path may be text or Path."""
    probe = Probe("out", "v", range(2))  # type: ignore[arg-type]
    run = simulate(FLOAT, {}, 3, record=(n for n in ["in", "in"]), probes=(p for p in [probe]))  # type: ignore[arg-type]
    assert list(run.spikes) == ["in"]
    assert list(run.traces) == [probe]
    for path in (tmp_path / "a.npz", os.fspath(tmp_path / "b.npz")):
        saved = simulate(FLOAT, {}, 3, checkpoint=path)
        assert State.load(path) == saved.state == run.state


@pytest.mark.parametrize(
    ("part", "value", "error", "message"),
    [
        ("key", -1, ParameterError, "key: got -1; allowed is a whole number"),
        ("key", "a", ParameterError, "key: got 'a'; allowed is a whole number"),
        ("key", 0.5, ParameterError, "key: got 0.5; allowed is a whole number"),
        ("step", 2**63, ParameterError, "step: got 9223372036854775808; allowed is a whole number"),
        ("u", 3, ParameterError, "u: got 3; expected a mapping of population names"),
        ("v", [1], ParameterError, "v: got a list; expected a mapping of population names"),
        ("wait", None, ParameterError, "wait: got None; expected a mapping of population names"),
        ("pending", "out", ParameterError, "pending: got 'out'; expected a mapping of population"),
        ("recent", ["in"], ParameterError, "recent: got a list; expected a mapping of population"),
        ("u", {"out": [[1], [1, 2]]}, ShapeError, "u of 'out': got rows of several lengths"),
    ],
)
def test_parts_of_states(
    part: str, value: Any, error: type[NeurosparseError], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        dataclasses.replace(REST, **{part: value})


@pytest.mark.parametrize("key", [2**64, 2**200])
def test_keys_that_are_too_large(key: int) -> None:
    with pytest.raises(ParameterError, match=f"key: got {key}; allowed is a whole"):
        dataclasses.replace(REST, key=key)


def test_the_last_key_and_step() -> None:
    state = dataclasses.replace(REST, key=2**64 - 1, step=2**62 - 5)
    run = simulate(FLOAT, {"in": Poisson(0.5)}, 5, state=state, reset_every=2**70)
    assert (run.state.step, run.state.key) == (2**62, 2**64 - 1)
    with pytest.raises(ParameterError, match="n_steps: got 1 from step 4611686018427387904 on"):
        simulate(FLOAT, {}, 1, state=run.state)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"v": 3}, "v: got 3; expected a mapping of population names"),
        ({"u": []}, "u: got a list; expected a mapping of population names"),
        ({"v": {"out": [[1], [1, 2]]}}, "v of 'out': got rows of several lengths"),
        ({"dtype": int}, "dtype: got <class 'int'>; allowed is float32 or float64"),
        ({"dtype": None}, "dtype: got None; allowed is float32 or float64"),
    ],
)
def test_beginnings(given: dict[str, Any], message: str) -> None:
    with pytest.raises(NeurosparseError, match=re.escape(message)):
        State.at_rest(FLOAT, **given)


@pytest.mark.parametrize("path", [3.5, None, b"state.npz", ""])
def test_paths(path: Any) -> None:
    for use in (REST.save, State.load, Recording):
        with pytest.raises(ParameterError, match=r"path: got .*; expected the path of a file"):
            use(path)
