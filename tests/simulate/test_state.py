from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosparse.errors import (
    NeurosparseError,
    ParameterError,
    ShapeError,
    StorageError,
    TopologyError,
)
from neurosparse.network import (
    LIF,
    FixedPointLIF,
    Network,
    Population,
    Projection,
    Spikes,
    Synapses,
)
from neurosparse.simulate import State, simulate
from neurosparse.simulate.under_way import n_recent, pending_depth, pending_targets
from tests.strategies.exact import integer_networks, rasters, recurrent_networks

one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def small() -> Network:
    """Build a source, E with two receptors and a slow I; one projection has delays of its own."""
    own = Synapses.from_edges([0, 1], [1, 0], 1.0, n_pre=3, n_post=2, delays=[2, 5])
    return Network(
        {"in": Population(3), "E": Population(2, LIF(du=(0.5, 0.1), refractory=4))}
        | {"I": Population(1, LIF())},
        [
            Projection("in", "E", own),
            Projection("E", "I", Synapses.from_edges([0], [0], 1.0, n_pre=2, n_post=1), delay=3),
            Projection("I", "E", Synapses.from_edges([0], [0], 1.0, n_pre=1, n_post=2), delay=7),
        ],
    )


def integer() -> Network:
    synapses = Synapses.from_edges([0], [0], 2, n_pre=1, n_post=2, dtype=np.int16)
    return Network(
        {"in": Population(1), "E": Population(2, FixedPointLIF())},
        [Projection("in", "E", synapses, delay=2)],
    )


@st.composite
def states(draw: st.DrawFn, network: Network, dtype: Any) -> State:
    """Draw a state somewhere in a run of ``network``."""
    seed = draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    rest = State.at_rest(network, dtype=dtype)

    def values(arrays: Any) -> Any:
        return {of: rng.integers(-99, 99, a.shape).astype(a.dtype) for of, a in arrays.items()}

    return State(
        step=draw(st.integers(0, 2**40)),
        u=values(rest.u),
        v=values(rest.v),
        wait={
            of: rng.integers(
                0, getattr(network.populations[of].neuron, "refractory", 0) + 1, a.shape
            )
            for of, a in rest.wait.items()
        },
        recent={
            of: Spikes.from_raster(draw(rasters(s.n_steps, s.n_neurons)))
            for of, s in rest.recent.items()
        },
        pending=values(rest.pending),
        key=draw(st.none() | st.integers(0, 2**64 - 1)),
    )


# ---------------------------------------------------------------------- what a state holds


def test_what_is_under_way() -> None:
    net = small()
    assert (n_recent(net), pending_depth(net), pending_targets(net)) == (7, 5, ["E"])
    alone = Network({"E": Population(2, LIF())})
    assert (n_recent(alone), pending_depth(alone), pending_targets(alone)) == (0, 0, [])


def test_at_rest_holds_zeros_and_what_is_given() -> None:
    state = State.at_rest(small(), u={"E": [1, 2]}, v={"E": 0.5, "I": [0.25]})
    assert (state.step, state.key) == (0, None)
    assert state.u["E"].tolist() == [[1, 2], [1, 2]]
    assert state.u["I"].tolist() == [[0]]
    assert state.v["E"].tolist() == [0.5, 0.5]
    assert state.v["I"].tolist() == [0.25]
    assert {a.dtype for a in (*state.u.values(), *state.v.values())} == {np.dtype(np.float32)}
    assert list(state.wait) == ["E", "I"]
    assert state.recent["in"] == Spikes([], [], 7, 3)
    assert state.pending["E"].shape == (5, 2, 2)
    assert repr(state) == "State(step 0; in(3), E(2), I(1))"
    state.check_fits(small())


def test_an_integer_network_has_whole_numbers() -> None:
    state = State.at_rest(integer(), v={"E": [3.0, -4]}, dtype=np.float32)
    assert state.v["E"].dtype == np.int64
    assert state.v["E"].tolist() == [3, -4]
    state.check_fits(integer())


@given(recurrent_networks() | integer_networks(max_delay=3), st.data())
def test_any_state_of_a_run_fits(network: Network, data: st.DataObject) -> None:
    for dtype in (np.float32, np.float64):
        state = data.draw(states(network, dtype))
        assert simulate(network, {}, 2, state=state, dtype=dtype).start == state.step


def test_arrays_are_read_only_but_the_callers_stay_writable() -> None:
    v = np.zeros(2, np.float32)
    state = dataclasses.replace(State.at_rest(small()), v={"E": v, "I": v[:1]})
    with pytest.raises(ValueError, match="read-only"):
        state.v["E"][0] = 1
    assert v.flags.writeable


def test_equal_by_content() -> None:
    rest = State.at_rest(small())
    assert rest == State.at_rest(small())
    assert rest != State.at_rest(small(), dtype=np.float64)
    assert rest != State.at_rest(small(), v={"I": 1e-9})
    assert rest != dataclasses.replace(rest, step=1)
    assert rest != dataclasses.replace(rest, key=1)
    assert rest != dataclasses.replace(rest, pending={})
    assert rest != 3
    broken = dataclasses.replace(rest, v={"E": np.array([np.nan, np.inf])})
    assert broken == dataclasses.replace(rest, v={"E": np.array([np.nan, np.inf])})


# ---------------------------------------------------------------------- what does not fit


def _with(name: str, of: str, value: Any) -> Callable[[State], State]:
    def change(state: State) -> State:
        return dataclasses.replace(state, **{name: {**getattr(state, name), of: value}})

    return change


def _without(name: str, of: str) -> Callable[[State], State]:
    def change(state: State) -> State:
        kept = {key: value for key, value in getattr(state, name).items() if key != of}
        return dataclasses.replace(state, **{name: kept})

    return change


F32 = np.float32


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (
            _with("v", "X", np.zeros(1, F32)),
            TopologyError,
            "v: 'X' has no place in it; allowed are 'E', 'I'",
        ),
        (_with("u", "in", np.zeros((1, 3), F32)), TopologyError, "u: 'in' has no place"),
        (_with("pending", "I", np.zeros((5, 1, 1), F32)), TopologyError, "pending: 'I' has no"),
        (_without("v", "I"), TopologyError, r"v: nothing for 'I'; start from State.at_rest"),
        (_without("recent", "in"), TopologyError, "recent: nothing for 'in'"),
        (_without("pending", "E"), TopologyError, "pending: nothing for 'E'"),
        (
            _with("v", "E", np.zeros(3, F32)),
            ShapeError,
            r"v of 'E': got shape \(3,\); expected \(2,\)",
        ),
        (_with("u", "E", np.zeros((1, 2), F32)), ShapeError, r"expected \(2, 2\)"),
        (_with("u", "E", np.zeros(2, F32)), ShapeError, "u of 'E': .*; expected 2 dimensions"),
        (_with("pending", "E", np.zeros((4, 2, 2), F32)), ShapeError, r"expected \(5, 2, 2\)"),
        (_with("v", "E", np.zeros(2)), ShapeError, "got dtype float64; this run takes float32"),
        (_with("wait", "E", np.zeros(2)), ShapeError, "wait of 'E': got dtype float64"),
        (
            _with("v", "E", np.array([0, np.nan], F32)),
            ParameterError,
            "v of 'E': 1 of 2 .* not finite",
        ),
        (
            _with("u", "I", np.array([[np.inf]], F32)),
            ParameterError,
            "u of 'I': 1 of 1 .* not finite",
        ),
        (
            _with("wait", "E", np.array([0, -1])),
            ParameterError,
            "wait of 'E': got -1; allowed is 0 to 4",
        ),
        (
            _with("wait", "E", np.array([5, 0])),
            ParameterError,
            "wait of 'E': got 5; allowed is 0 to 4",
        ),
        (
            _with("wait", "I", np.array([1])),
            ParameterError,
            "wait of 'I': got 1; allowed is 0 to 0",
        ),
        (
            _with("recent", "E", Spikes([], [], 6, 2)),
            ShapeError,
            "got 6 steps of 2 neurons; expected the last 7",
        ),
        (
            _with("recent", "E", Spikes([], [], 7, 3)),
            ShapeError,
            "expected the last 7 steps of 2 neurons",
        ),
        (_with("recent", "E", [1]), ParameterError, "recent of 'E': got a list; expected Spikes"),
        (_with("v", "E", ["a", "b"]), ParameterError, "v of 'E': got dtype"),
        (lambda s: dataclasses.replace(s, step=-1), ParameterError, "step: got -1"),
        (lambda s: dataclasses.replace(s, key=0.5), ParameterError, "key: got 0.5"),
    ],
)
def test_what_does_not_fit_is_named(
    change: Callable[[State], State], kind: type[NeurosparseError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        change(State.at_rest(small())).check_fits(small(), np.float32)


@pytest.mark.parametrize(
    ("network", "given", "message"),
    [
        (small, {"v": {"X": 0}}, "v: 'X' has no place in it"),
        (small, {"v": {"in": 0}}, "v: 'in' has no place in it"),
        (
            small,
            {"v": {"E": [1, 2, 3]}},
            r"v of 'E': got shape \(3,\); expected a number or \(2,\)",
        ),
        (small, {"u": {"E": np.zeros((1, 2))}}, r"expected a number or \(2,\) or \(2, 2\)"),
        (small, {"v": {"E": np.nan}}, "v of 'E': 1 of 1 entries are not finite"),
        (small, {"v": {"E": 1e300}}, "v of 'E': 2 of 2 entries are not finite"),
        (small, {"v": {"E": "rest"}}, "v of 'E': got dtype <U4; expected numbers"),
        (integer, {"v": {"E": 0.5}}, "v of 'E': an integer network takes whole numbers only"),
        (integer, {"v": {"E": 2**23}}, r"v of 'E': got 8388608; allowed is -8388607 to 8388607"),
        (integer, {"u": {"E": -1e30}}, r"u of 'E': got -1e\+30; allowed is -2147483648 to"),
    ],
)
def test_bad_beginnings_are_named(
    network: Callable[[], Network], given: dict[str, Any], message: str
) -> None:
    with pytest.raises(NeurosparseError, match=message):
        State.at_rest(network(), **given)


# ---------------------------------------------------------------------- files


@one_folder
@given(recurrent_networks() | integer_networks(max_delay=3), st.data())
def test_a_loaded_state_equals_what_was_saved(
    tmp_path: Path, network: Network, data: st.DataObject
) -> None:
    state = data.draw(states(network, data.draw(st.sampled_from((np.float32, np.float64)))))
    state.save(tmp_path / "state.npz")
    assert State.load(tmp_path / "state.npz") == state


def test_truncated_at_any_byte(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    State.at_rest(small()).save(path)
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(StorageError, match=r"state\.npz: not a readable state file"):
            State.load(path)


def test_a_flipped_bit_never_gives_another_state(tmp_path: Path) -> None:
    path, state = tmp_path / "state.npz", State.at_rest(small(), v={"E": 0.3})
    state.save(path)
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 5):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        try:
            assert State.load(path) == state
        except StorageError:
            refused += 1
    assert refused > len(whole) / 10


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    small().save(tmp_path / "net.npz")
    with pytest.raises(StorageError, match=r"net\.npz: not a neurosparse state file"):
        State.load(tmp_path / "net.npz")
    State.at_rest(small()).save(tmp_path / "state.npz")
    with pytest.raises(StorageError, match=r"state\.npz: not a neurosparse network file"):
        Network.load(tmp_path / "state.npz")
    with pytest.raises(StorageError, match="no such file"):
        State.load(tmp_path / "absent.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 7}, "format version 7; this neurosparse reads 2"),
        ({"step": -3}, "holds an invalid state: step: got -3"),
        ({"v": ["E", "E"]}, "holds an invalid state: a population stands twice"),
        ({"v": ["E", "I", "J"]}, "not a readable state file"),
        ({"recent": [["in", 7, 3], ["E", 7, 0], ["I", 7, 1]]}, "n_neurons: got 0"),
        ({"recent": None}, "not a readable state file"),
    ],
)
def test_edited_headers_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "state.npz"
    State.at_rest(small()).save(path)
    with np.load(path) as archive:
        members = {name: archive[name] for name in archive.files}
    header = json.loads(bytes(members["header"])) | change
    members["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(path, **members)
    with pytest.raises(StorageError, match=f"state.npz: .*{message}"):
        State.load(path)


def test_a_failing_save_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, state = tmp_path / "state.npz", State.at_rest(small())
    state.save(path)

    def half_written(file: Any, **arrays: Any) -> None:
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", half_written)
    with pytest.raises(OSError, match="No space left"):
        dataclasses.replace(state, step=9).save(path)
    assert State.load(path) == state
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]
