from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.errors import ExportLimitError, ParameterError, StorageError, TopologyError
from neurosparse.loihi import Bundle, quantise, read_bundle, write_bundle
from neurosparse.network import LIF, FixedPointLIF, Network, Population, Projection, Synapses


def integer_network(weights: Any) -> Network:
    synapses = Synapses.all_to_all(np.array([weights]), dtype=np.int16)
    return Network(
        {"in": Population(len(weights)), "out": Population(1, FixedPointLIF())},
        [Projection("in", "out", synapses)],
    )


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    where = folder / "manifest.json"
    manifest = json.loads(where.read_text())
    change(manifest)
    where.write_text(json.dumps(manifest))


def assert_same(ours: Network, theirs: Network) -> None:
    assert dict(ours.populations) == dict(theirs.populations)
    for mine, other in zip(ours.projections, theirs.projections, strict=True):
        assert (mine.name, mine.synapses) == (other.name, other.synapses)
    assert (ours.inputs, ours.outputs) == (theirs.inputs, theirs.outputs)


def test_what_is_read_is_what_was_written(tmp_path: Path, float_network: Network) -> None:
    q = quantise(float_network)
    write_bundle(tmp_path / "b", float_network, q)
    bundle = read_bundle(tmp_path / "b")
    assert_same(bundle.network("floating_pt"), float_network)
    assert_same(bundle.network("fixed_pt"), q.network)
    assert bundle.scales == q.scales
    assert bundle.networks["fixed_pt"].projections[0].format == q.network.projections[0].format


def test_layout(bundle: Bundle) -> None:
    names = {str(path.relative_to(bundle.path)) for path in bundle.path.rglob("*")}
    assert names == {
        "README.txt",
        "manifest.json",
        "arrays.npz",
        "runner",
        "runner/bundle_file.py",
        "runner/lava_compat.py",
        "runner/lava_network.py",
        "runner/lava_parts.py",
        "runner/lava_process.py",
        "runner/lava_record.py",
        "runner/own_program.py",
        "runner/run_bundle.py",
    }
    manifest = json.loads((bundle.path / "manifest.json").read_text())
    assert manifest["format"] == "neurosparse-lava-bundle"
    assert manifest["depths"] == {"in": 0, "hidden": 1, "out": 2}
    hidden = manifest["networks"]["fixed_pt"]["populations"][1]["neuron"]
    assert hidden["kind"] == "FixedPointLIF"
    assert manifest["networks"]["floating_pt"]["populations"][1]["neuron"]["dv"] == 0.1


def test_moving_and_reformatting_change_nothing(bundle: Bundle, tmp_path: Path) -> None:
    moved = tmp_path / "else where"
    shutil.copytree(bundle.path, moved)
    edit_manifest(moved, lambda manifest: None)
    assert_same(read_bundle(moved).network("fixed_pt"), bundle.network("fixed_pt"))


def test_float_network_alone(tmp_path: Path, float_network: Network) -> None:
    bundle = write_bundle(tmp_path / "b", float_network)
    with pytest.raises(
        ParameterError, match=r"tag: got 'fixed_pt'; .* holds 'floating_pt'; export"
    ):
        bundle.network("fixed_pt")


@pytest.mark.parametrize(
    ("weights", "mode"),
    [([-4, 254], "mixed"), ([1, 255], "excitatory"), ([-255, -1], "inhibitory")],
)
def test_integer_network_alone(tmp_path: Path, weights: list[int], mode: str) -> None:
    bundle = write_bundle(tmp_path / "b", integer_network(weights))
    assert bundle.networks["fixed_pt"].projections[0].format.sign_mode == mode
    with pytest.raises(ParameterError, match=r"tag: got 'floating_pt'; .* holds 'fixed_pt'$"):
        bundle.network("floating_pt")


@pytest.mark.parametrize("weights", [[-3, 2], [256, 2], [-258, 0], [-1, 1]])
def test_weights_off_the_grid_are_refused(tmp_path: Path, weights: list[int]) -> None:
    with pytest.raises(ExportLimitError, match="lie on none of Lava's grids"):
        write_bundle(tmp_path / "b", integer_network(weights))
    assert not list(tmp_path.iterdir())


def test_network_that_lava_cannot_run_is_refused(tmp_path: Path) -> None:
    net = Network({"out": Population(2, LIF(v_reset=-1.0, reset="subtract"))})
    with pytest.raises(ExportLimitError, match="2 violations") as caught:
        write_bundle(tmp_path / "b", net)
    assert "v_reset=-1.0" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_one_weight_for_all_is_written_out_for_other_readers(tmp_path: Path) -> None:
    synapses = Synapses.from_edges([0, 1, 1], [1, 0, 1], 2, n_pre=2, n_post=2, dtype=np.int16)
    net = Network(
        {"in": Population(2), "out": Population(2, FixedPointLIF(vth=5))},
        [Projection("in", "out", synapses)],
    )
    bundle = write_bundle(tmp_path / "bundle", net)
    assert bundle.network("fixed_pt").projections[0].synapses == synapses
    with np.load(bundle.path / "arrays.npz") as arrays:  # by postsynaptic row
        assert arrays["fixed_pt/p0.indptr"].tolist() == [0, 1, 3]
        assert arrays["fixed_pt/p0.indices"].tolist() == [1, 0, 1]
        assert arrays["fixed_pt/p0.weights"].tolist() == [2, 2, 2]


def test_multapses_are_refused(tmp_path: Path) -> None:
    twice = Synapses.from_edges([0, 0], [0, 0], 0.5, n_pre=1, n_post=1, multapses=True)
    net = Network(
        {"in": Population(1), "out": Population(1, LIF())}, [Projection("in", "out", twice)]
    )
    message = r"projection 'in->out': holds multapses .*; merge them with Synapses.merged\(\)"
    with pytest.raises(TopologyError, match=message):
        write_bundle(tmp_path / "bundle", net)
    with pytest.raises(TopologyError, match=message):
        quantise(net)


def test_quantisation_of_another_network(tmp_path: Path, float_network: Network) -> None:
    other = quantise(Network({"x": Population(1, LIF())}))
    with pytest.raises(ParameterError, match="quantisation: it belongs to another network"):
        write_bundle(tmp_path / "b", float_network, other)
    with pytest.raises(ParameterError, match="quantisation: the network holds integers already"):
        write_bundle(tmp_path / "b", other.network, other)


# ---------------------------------------------------------------------- altered bundles


def test_edited_manifest(bundle: Bundle) -> None:
    def raise_threshold(manifest: dict[str, Any]) -> None:
        manifest["networks"]["fixed_pt"]["populations"][1]["neuron"]["vth"] = 1

    edit_manifest(bundle.path, raise_threshold)
    with pytest.raises(StorageError, match=r"manifest\.json was changed after the export"):
        read_bundle(bundle.path)


def test_edited_arrays(bundle: Bundle) -> None:
    with np.load(bundle.path / "arrays.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["fixed_pt/p0.weights"] = arrays["fixed_pt/p0.weights"] * 0 + 2
    np.savez_compressed(bundle.path / "arrays.npz", **arrays)
    with pytest.raises(StorageError, match=r"arrays\.npz was changed after the export"):
        read_bundle(bundle.path)


def test_edited_arrays_with_their_new_checksum(bundle: Bundle) -> None:
    np.savez(bundle.path / "arrays.npz", x=np.zeros(1))

    def new_sum(manifest: dict[str, Any]) -> None:
        manifest["sha256"]["arrays.npz"] = "0" * 64

    edit_manifest(bundle.path, new_sum)
    with pytest.raises(StorageError, match=r"manifest\.json was changed"):
        read_bundle(bundle.path)


def test_edited_runner(bundle: Bundle) -> None:
    with (bundle.path / "runner" / "run_bundle.py").open("a") as file:
        file.write("\n# mine\n")
    with pytest.raises(StorageError, match=r"runner/run_bundle\.py was changed"):
        read_bundle(bundle.path)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_truncated_arrays(bundle: Bundle, share: float) -> None:
    where = bundle.path / "arrays.npz"
    data = where.read_bytes()
    where.write_bytes(data[: int(share * len(data))])
    with pytest.raises(StorageError, match=r"arrays\.npz was changed"):
        read_bundle(bundle.path)


def test_missing_arrays(bundle: Bundle) -> None:
    (bundle.path / "arrays.npz").unlink()
    with pytest.raises(StorageError, match=r"arrays\.npz is missing"):
        read_bundle(bundle.path)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_truncated_manifest(bundle: Bundle, share: float) -> None:
    where = bundle.path / "manifest.json"
    text = where.read_text()
    where.write_text(text[: int(share * len(text))])
    with pytest.raises(StorageError, match=r"manifest\.json: truncated or altered"):
        read_bundle(bundle.path)


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "something else"}', "3"])
def test_foreign_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(StorageError, match="not the manifest of a neurosparse bundle"):
        read_bundle(tmp_path)


def test_manifest_without_its_parts(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"format": "neurosparse-lava-bundle", "version": 3}')
    with pytest.raises(StorageError, match="not a readable bundle"):
        read_bundle(tmp_path)


def test_later_version(bundle: Bundle) -> None:
    def raise_version(manifest: dict[str, Any]) -> None:
        manifest["version"] = 99

    edit_manifest(bundle.path, raise_version)
    with pytest.raises(StorageError, match="bundle version 99; this neurosparse reads 3"):
        read_bundle(bundle.path)


def test_no_bundle_at_all(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"not a bundle \(no manifest\.json\)"):
        read_bundle(tmp_path / "nowhere")
    with pytest.raises(StorageError, match="not a bundle"):
        read_bundle(tmp_path)


# ---------------------------------------------------------------------- writing


def test_older_bundle_is_replaced(bundle: Bundle) -> None:
    write_bundle(bundle.path, integer_network([2, 4]))
    assert list(read_bundle(bundle.path).networks) == ["fixed_pt"]
    assert [path.name for path in bundle.path.parent.iterdir()] == [bundle.path.name]


def test_altered_bundle_may_be_replaced(bundle: Bundle) -> None:
    (bundle.path / "arrays.npz").unlink()
    write_bundle(bundle.path, integer_network([2, 4]))
    assert list(read_bundle(bundle.path).networks) == ["fixed_pt"]


def test_empty_directory_is_used(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    assert write_bundle(tmp_path / "b", integer_network([2])).path == tmp_path / "b"


def test_other_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("words")
    with pytest.raises(StorageError, match="holds something other than a bundle"):
        write_bundle(tmp_path, integer_network([2]))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("words")
    with pytest.raises(StorageError, match="is no directory"):
        write_bundle(tmp_path / "b", integer_network([2]))
    assert (tmp_path / "b").read_text() == "words"


def test_interrupted_write_leaves_the_old_bundle(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(StorageError, match=r"cannot be written: .*No space left"):
        write_bundle(bundle.path, integer_network([2]))
    assert "floating_pt" in read_bundle(bundle.path).networks
    assert [path.name for path in bundle.path.parent.iterdir()] == [bundle.path.name]


def test_names_that_are_no_file_names(tmp_path: Path) -> None:
    net = Network(
        {"../in/file": Population(1), "größe": Population(1, LIF())},
        [Projection("../in/file", "größe", Synapses.all_to_all(np.ones((1, 1))))],
    )
    bundle = write_bundle(tmp_path / "b", net, quantise(net))
    assert list(bundle.network("fixed_pt").populations) == ["../in/file", "größe"]
