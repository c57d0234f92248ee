from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosparse.errors import StorageError
from neurosparse.network import LIF, Network, Population, Projection, Synapses
from neurosparse.network.atomic import atomic_write
from tests.strategies.exact import feed_forward_networks, integer_networks, recurrent_networks

# tmp_path is one folder per test, not per example; every example overwrites the same file
one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def small() -> Network:
    synapses = Synapses.from_edges(
        [0, 1, 2], [0, 1, 1], [0.5, -1, 2], n_pre=3, n_post=2, delays=[1, 2, 3]
    )
    return Network(
        {"in": Population(3), "out": Population(2, LIF(vth=[1.0, 2.0]))},
        [Projection("in", "out", synapses)],
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "net.npz"
    small().save(path)
    return path


@one_folder
@given(
    st.one_of(
        feed_forward_networks(max_delay=3),
        feed_forward_networks(dtype=np.float64),
        recurrent_networks(),
        integer_networks(max_delay=2),
    )
)
def test_a_loaded_network_equals_what_was_saved(tmp_path: Path, net: Network) -> None:
    net.save(tmp_path / "net.npz")
    loaded = Network.load(tmp_path / "net.npz")
    assert loaded == net
    assert list(loaded.populations) == list(net.populations)  # the order counts too
    assert (loaded.inputs, loaded.outputs) == (net.inputs, net.outputs)


def test_names_and_all_fields_survive(tmp_path: Path) -> None:
    neuron = LIF(du=(0.5, 0.1), dv=1 / 3, refractory=2, reset="subtract")
    net = Network(
        {"ein gång / ✓": Population(1, neuron)},
        [
            Projection(
                "ein gång / ✓", "ein gång / ✓", synapses, delay=7, receptor=1, name="schleife"
            )
            for synapses in [Synapses.all_to_all([[0.1]], dtype=np.float64)]
        ],
    )
    net.save(tmp_path / "net.npz")
    assert Network.load(tmp_path / "net.npz") == net


def stored_twice() -> Synapses:
    return Synapses.from_edges([0, 0, 1], [1, 1, 0], 0.5, n_pre=3, n_post=3, multapses=True)


@pytest.mark.parametrize(
    "synapses",
    [
        Synapses.from_edges([0, 1], [1, 0], 0.5, n_pre=3, n_post=3),
        Synapses(3, 3, np.array([0, 1, 2, 2]), np.array([1, 0]), np.float64(0.5)),
        Synapses.from_edges([], [], 0.5, n_pre=3, n_post=3),
        Synapses.all_to_all(np.ones((3, 3)), dtype=np.float64),
        stored_twice(),
        stored_twice().merged(),
        stored_twice().with_weights(np.array([1, 2, 3], np.float32)),
    ],
    ids=["once", "once by post", "none", "dense", "multapses", "merged", "weighted multapses"],
)
def test_synapses_come_back_as_they_are_stored(tmp_path: Path, synapses: Synapses) -> None:
    net = Network({"a": Population(3, LIF())}, [Projection("a", "a", synapses)])
    net.save(tmp_path / "net.npz")
    loaded = Network.load(tmp_path / "net.npz").projections[0].synapses
    assert loaded == synapses
    assert type(loaded.stored) is type(synapses.stored)
    assert loaded.constant_weight == synapses.constant_weight
    assert loaded.multapses == synapses.multapses
    assert loaded.n_bytes == synapses.n_bytes


def test_one_file_and_nothing_else(saved: Path) -> None:
    assert names(saved.parent) == ["net.npz"]
    with zipfile.ZipFile(saved) as archive:
        assert archive.testzip() is None
        assert "header.npy" in archive.namelist()


# ---------------------------------------------------------------------- damage


def test_truncated_at_any_byte(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in range(len(whole)):
        saved.write_bytes(whole[:length])
        with pytest.raises(StorageError, match=r"net\.npz: not a readable network file"):
            Network.load(saved)


def test_a_flipped_bit_never_gives_another_network(saved: Path) -> None:
    whole, net, messages = saved.read_bytes(), small(), []
    # one bit of every byte; some, such as the time in the zip's directory, mean nothing
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        saved.write_bytes(damaged)
        try:
            assert Network.load(saved) == net
        except StorageError as error:
            messages.append(str(error))
    assert len(messages) > len(whole) / 2
    assert all(message.startswith(f"{saved}: ") for message in messages)


@one_folder
@given(st.binary(max_size=200))
def test_arbitrary_bytes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.npz"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"any\.npz"):
        Network.load(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"absent\.npz: no such file"):
        Network.load(tmp_path / "absent.npz")
    with pytest.raises(StorageError, match="no such file"):
        Network.load(tmp_path)


# ---------------------------------------------------------------------- strangers' files


class _Fires:
    """Would call a function when unpickled."""

    fired = False

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return _fire, ()


def _fire() -> None:
    _Fires.fired = True


def _npz(path: Path, **arrays: Any) -> None:
    np.savez(path, **arrays)


def _as_pickled_npz(path: Path) -> None:
    _npz(path, header=np.array([_Fires()], dtype=object))


def _as_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(_Fires()))


def _as_npy(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def _as_foreign_npz(path: Path) -> None:
    _npz(path, weights=np.zeros(3))


def _as_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", "hello")


def _as_other_format(path: Path) -> None:
    _npz(path, header=np.frombuffer(b'{"format": "other"}', dtype=np.uint8))


def _as_deep_json(path: Path) -> None:
    _npz(path, header=np.frombuffer(b"[" * 100_000, dtype=np.uint8))


def _as_json_list(path: Path) -> None:
    _npz(path, header=np.frombuffer(b"[1, 2]", dtype=np.uint8))


def _as_giant_array(path: Path) -> None:
    """Claim 8 EiB in a file of some hundred bytes."""
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        member, {"descr": "<i8", "fortran_order": False, "shape": (2**60,)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", member.getvalue())


@pytest.mark.parametrize(
    "write",
    [
        _as_pickled_npz,
        _as_pickle,
        _as_npy,
        _as_foreign_npz,
        _as_zip,
        _as_other_format,
        _as_deep_json,
        _as_json_list,
        _as_giant_array,
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "foreign.npz"
    write(path)
    with pytest.raises(StorageError, match=r"foreign.npz: not a .*network file"):
        Network.load(path)
    assert not _Fires.fired


# ---------------------------------------------------------------------- edits of the header


def edit(path: Path, change: Callable[[dict[str, Any]], None], **arrays: Any) -> None:
    """Rewrite a saved file with an altered header, checksums and all."""
    with np.load(path) as archive:
        members = {name: archive[name] for name in archive.files}
    header = json.loads(bytes(members["header"]))
    change(header)
    members["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(path, **(members | arrays))


def _set(*keys: Any) -> Callable[[dict[str, Any]], None]:
    """Set the value at the path of all keys but the last to the last."""

    def change(header: Any) -> None:
        *way, last, value = keys
        for key in way:
            header = header[key]
        header[last] = value

    return change


def _delete(*keys: Any) -> Callable[[dict[str, Any]], None]:
    def change(header: Any) -> None:
        *way, last = keys
        for key in way:
            header = header[key]
        del header[last]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("format", "nir"), "not a neurosparse network file"),
        (_set("version", 99), "format version 99; this neurosparse reads 3"),
        (_set("projections", 0, "delay", 0), "delay: got 0; allowed is a whole number, 1 to 255"),
        (_set("projections", 0, "receptor", 5), "receptor 5, but 'out' has 1"),
        (_set("projections", 0, "shape", [3, 2]), "invalid network: indptr: got shape"),
        (_set("projections", 0, "shape", [2**31 - 1, 3]), "synapses have shape"),
        (_set("projections", 0, "rows", "post"), "invalid network: indptr: got shape"),
        (_set("projections", 0, "rows", "columns"), "altered or foreign"),
        (_delete("projections", 0, "rows"), "altered or foreign"),
        (_delete("projections", 0, "multapses"), "altered or foreign"),
        (_set("projections", 0, "shape", [2]), "truncated, altered or foreign"),
        (_set("projections", 0, "shape", "ab"), "n_post: got 'a'"),
        (_set("projections", 0, "target", "nowhere"), "no population 'nowhere'"),
        (_set("populations", 0, "size", 0), "size: got 0"),
        (_set("populations", 0, "size", 10**30), "size: got 1000000000000"),
        (_set("populations", 0, "name", "out"), "populations: a name stands twice"),
        (_set("populations", 1, "neuron", "kind", "Izhikevich"), "altered or foreign"),
        (_set("populations", 1, "neuron", "dv", 2.0), "dv: got 2.0; allowed is 0 to 1"),
        (_set("populations", 1, "neuron", "dv", float("nan")), "dv: 1 of 1 .* not finite"),
        (_set("populations", 1, "neuron", "vth", {"array": "gone"}), "altered or foreign"),
        (_set("populations", 1, "neuron", "vth", {"array": "p0.indices"}), "vth: got 0.0"),
        (_set("populations", 1, "neuron", "colour", "red"), "altered or foreign"),
        (_set("inputs", ["nobody"]), "inputs: no population 'nobody'"),
        (_set("members", ["p0.weights"]), "its header names \\['p0.weights'\\]"),
        (_delete("members"), "altered or foreign"),
        (_delete("projections"), "altered or foreign"),
        (_delete("projections", 0, "delay"), "altered or foreign"),
    ],
)
def test_edited_headers_are_refused(
    saved: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    edit(saved, change)
    with pytest.raises(StorageError, match=f"net.npz.*{message}"):
        Network.load(saved)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"p0.weights": np.array([1, np.nan, 1], np.float32)}, "weights: 1 of 3 .* not finite"),
        ({"p0.delays": np.zeros(3, np.uint8)}, "delays: got 0; allowed is 1 to 255"),
        ({"p0.weights": np.float32(np.inf)}, "weights: 1 of 1 .* not finite"),
        ({"p0.weights": np.int64(1)}, "weights: got dtype int64"),
        ({"p0.indices": np.array([0, 1, 9], np.int32)}, "post: 1 entries outside 0..1"),
        ({"p0.indices": np.array([0, 1], np.int32)}, r"post: got shape \(2,\); expected \(3,\)"),
        ({"p0.indptr": np.array([0, 3, 2, 3])}, "indptr: must start at 0 and never fall"),
        ({"extra": np.zeros(1)}, "holds the arrays .*'extra'"),
    ],
)
def test_edited_arrays_are_refused(saved: Path, arrays: dict[str, Any], message: str) -> None:
    edit(saved, lambda header: None, **arrays)
    with pytest.raises(StorageError, match=f"net.npz: .*{message}"):
        Network.load(saved)


# ---------------------------------------------------------------------- writing


def test_a_failing_write_leaves_the_old_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def half_written(file: Any, **arrays: Any) -> None:
        file.write(b"half a netw")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", half_written)
    with pytest.raises(OSError, match="No space left"):
        small().save(saved)
    assert saved.read_bytes() == before
    assert names(saved.parent) == ["net.npz"]


def test_interrupted_writes_leave_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_write(tmp_path / "new") as file:
            file.write(b"some")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert names(tmp_path) == []


def test_written_files_have_the_usual_mode(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with atomic_write(tmp_path / "deep" / "er" / "atomic") as file:
        file.write(b"all")
    written = tmp_path / "deep" / "er" / "atomic"
    assert written.read_bytes() == b"all"
    assert written.stat().st_mode == (tmp_path / "plain").stat().st_mode
