"""The exported network as a directory that runs wherever Lava is.

    manifest.json   what it holds: populations, projections, float and fixed-point parameters, sign
                    modes, scales, depths, and the SHA-256 of every part
    arrays.npz      plain arrays: indptr, indices, weights, per-neuron parameters
    runner/         scripts that run it with numpy, scipy and lava-nc alone

Nothing in it is executed when it is read; `run_lava` uses its own copy of the runner.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neurosparse.errors import ExportLimitError, NeurosparseError, ParameterError, StorageError
from neurosparse.loihi.limits import (
    off_grid_violations,
    refuse_multapses,
    structural_violations,
)
from neurosparse.loihi.quantise import Quantisation
from neurosparse.network import Network, SynapseFormat, choose_sign_mode
from neurosparse.network.storage import pack_network, unpack_network

__all__ = ["FORMAT", "RUNNER", "VERSION", "Bundle", "Tag", "read_bundle", "write_bundle"]

FORMAT = "neurosparse-lava-bundle"
VERSION = 3
RUNNER = Path(__file__).parent / "runner"
Tag = Literal["floating_pt", "fixed_pt"]

_MANIFEST = "manifest.json"
_ARRAYS = "arrays.npz"


@dataclass(frozen=True)
class Bundle:
    """An exported network on disk, verified.

    Parameters
    ----------
    path : Path
        The directory.
    networks : dict of Tag to Network
        The float network (``"floating_pt"``), its integer twin (``"fixed_pt"``), or one of them.
    scales : dict of str to float
        By population, as in `Quantisation`; empty for a network built from integers.
    metadata : dict
        Notes that were exported beside it, for example how its inputs were encoded.
    """

    path: Path
    networks: dict[Tag, Network]
    scales: dict[str, float]
    metadata: dict[str, Any] = field(default_factory=dict)

    def network(self, tag: Tag) -> Network:
        """Return the network for Lava's ``floating_pt`` or ``fixed_pt`` models.

        Raises
        ------
        ParameterError
            If the bundle does not hold it.
        """
        if tag not in self.networks:
            hint = "; export with a Quantisation" if tag == "fixed_pt" else ""
            raise ParameterError(
                f"tag: got {tag!r}; {self.path} holds {', '.join(map(repr, self.networks))}{hint}"
            )
        return self.networks[tag]


def write_bundle(
    path: str | os.PathLike[str],
    network: Network,
    quantisation: Quantisation | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Bundle:
    """Write ``network`` as a bundle, completely or not at all.

    Parameters
    ----------
    path : path
        Directory to make; an older bundle there is replaced, anything else is refused.
    network : Network
        A float network, or an integer network that is exported as it is.
    quantisation : Quantisation, optional
        Integer twin of a float network, from `quantise`; without it the bundle runs in Lava's
        ``floating_pt`` models only.
    metadata : mapping, optional
        JSON-able notes to keep beside it.

    Returns
    -------
    Bundle
        As read back.

    Raises
    ------
    ExportLimitError
        With everything that Lava's processes cannot do, all at once.
    TopologyError
        If several synapses connect one pair.
    ParameterError
        If an integer network comes with a quantisation.
    StorageError
        If ``path`` is something other than a bundle, or cannot be written.
    """
    if network.is_integer:
        network = _with_formats(network)
    networks: dict[Tag, Network] = {}
    if network.is_integer and quantisation is not None:
        raise ParameterError("quantisation: the network holds integers already; leave it out")
    networks["fixed_pt" if network.is_integer else "floating_pt"] = network
    if quantisation is not None:
        networks["fixed_pt"] = quantisation.network
        if list(quantisation.network.populations) != list(network.populations):
            raise ParameterError("quantisation: it belongs to another network; quantise this one")
    refuse_multapses(network)
    violations = structural_violations(network)
    violations += off_grid_violations(network) if network.is_integer else []
    if violations:
        raise ExportLimitError(violations)
    scales = {} if quantisation is None else dict(quantisation.scales)
    target = Path(path)
    _refuse_foreign(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        _fill(temporary, networks, scales, dict(metadata or {}))
        _put_in_place(temporary, target)
    except OSError as error:
        raise StorageError(f"{target}: cannot be written: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return read_bundle(target)


def _with_formats(network: Network) -> Network:
    """Say of every projection how Lava stores its weights, where the network does not."""
    projections = []
    for projection in network.projections:
        mode = choose_sign_mode(projection.synapses.weights)
        if projection.format is None and mode is not None:
            projection = replace(projection, format=SynapseFormat(mode))
        projections.append(projection)
    return Network(network.populations, projections, inputs=network.inputs, outputs=network.outputs)


def _refuse_foreign(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise StorageError(f"{target}: is no directory; choose another path for the bundle")
    if target.is_dir() and any(target.iterdir()):
        try:
            known = _read_manifest(target).get("format") == FORMAT
        except StorageError:
            known = False
        if not known:
            raise StorageError(
                f"{target}: holds something other than a bundle; choose another path, nothing "
                "there was touched"
            )


def _fill(
    folder: Path,
    networks: Mapping[Tag, Network],
    scales: Mapping[str, float],
    metadata: Mapping[str, Any],
) -> None:
    umask = os.umask(0)
    os.umask(umask)
    folder.chmod(0o777 & ~umask)  # mkdtemp makes private directories
    arrays: dict[str, Any] = {}
    headers = {}
    for tag, network in networks.items():
        headers[tag], own = pack_network(network, plain=True)
        arrays.update({f"{tag}/{name}": array for name, array in own.items()})
    with (folder / _ARRAYS).open("wb") as file:
        np.savez_compressed(file, **arrays)
    (folder / "runner").mkdir()
    parts = [_ARRAYS]
    for script in sorted(RUNNER.glob("*.py")):
        shutil.copyfile(script, folder / "runner" / script.name)
        parts.append(f"runner/{script.name}")
    first = next(iter(networks.values()))
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "networks": headers,
        "depths": first.depths,
        "scales": dict(scales),
        "metadata": dict(metadata),
    }
    sums = {part: _sha256((folder / part).read_bytes()) for part in parts}
    manifest["sha256"] = {**sums, _MANIFEST: _manifest_sum({**manifest, "sha256": sums})}
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    (folder / _MANIFEST).write_text(text + "\n", encoding="utf-8")


def _put_in_place(temporary: Path, target: Path) -> None:
    if not target.exists():
        temporary.rename(target)
        return
    # a directory cannot be replaced in one move: keep the old one until the new one is there
    old = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        target.rename(old / target.name)
        try:
            temporary.rename(target)
        except OSError:
            (old / target.name).rename(target)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _manifest_sum(manifest: Mapping[str, Any]) -> str:
    """Sum of everything in the manifest but the sum itself, whatever the layout of the text."""
    sums = {name: value for name, value in manifest["sha256"].items() if name != _MANIFEST}
    body = {**manifest, "sha256": sums}
    return _sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())


def _read_manifest(folder: Path) -> dict[str, Any]:
    where = folder / _MANIFEST
    try:
        manifest = json.loads(where.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StorageError(f"{folder}: not a bundle (no {_MANIFEST})") from error
    except (OSError, ValueError) as error:
        raise StorageError(f"{where}: truncated or altered, not readable: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise StorageError(f"{where}: not the manifest of a neurosparse bundle")
    return manifest


def read_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Read and verify a bundle; nothing in it is executed.

    Raises
    ------
    StorageError
        If it is missing, truncated or foreign, or a part was changed after the export; names the
        part.
    """
    folder = Path(path)
    manifest = _read_manifest(folder)
    try:
        if manifest["version"] != VERSION:
            raise StorageError(
                f"{folder}: bundle version {manifest['version']}; this neurosparse reads {VERSION}"
            )
        sums = manifest["sha256"]
        if sums[_MANIFEST] != _manifest_sum(manifest):
            raise StorageError(_changed(folder, _MANIFEST))
        for part in sorted(set(sums) - {_MANIFEST}):
            if not (folder / part).is_file():
                raise StorageError(f"{folder}: {part} is missing; export the network again")
            if _sha256((folder / part).read_bytes()) != sums[part]:
                raise StorageError(_changed(folder, part))
        return _unpack(folder, manifest)
    except StorageError:
        raise
    except NeurosparseError as error:
        raise StorageError(f"{folder}: holds an invalid network: {error}") from error
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        MemoryError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
    ) as error:
        raise StorageError(
            f"{folder}: not a readable bundle (truncated, altered or foreign): {error}"
        ) from error


def _changed(folder: Path, part: str) -> str:
    return (
        f"{folder}: {part} was changed after the export (its checksum does not fit); change the "
        "network and export it again"
    )


def _unpack(folder: Path, manifest: Mapping[str, Any]) -> Bundle:
    with np.load(folder / _ARRAYS, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    networks: dict[Tag, Network] = {}
    for tag, header in manifest["networks"].items():
        start = f"{tag}/"
        own = {name[len(start) :]: a for name, a in arrays.items() if name.startswith(start)}
        networks[tag] = unpack_network(header, own)
    if not networks or set(networks) - {"floating_pt", "fixed_pt"}:
        raise StorageError(f"{folder}: holds an unknown tag")
    metadata = dict(manifest.get("metadata", {}))  # bundles of the first day have none
    return Bundle(folder, networks, dict(manifest["scales"]), metadata)
