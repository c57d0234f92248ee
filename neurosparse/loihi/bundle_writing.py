"""Write a network as a bundle, completely or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neurosparse.errors import ExportLimitError, ParameterError, StorageError
from neurosparse.loihi.bundle import (
    ARRAYS,
    FORMAT,
    MANIFEST,
    VERSION,
    Bundle,
    manifest_sum,
    read_bundle,
    read_manifest,
    sha256,
)
from neurosparse.loihi.limits import Tag, refuse_multapses, violations_of
from neurosparse.loihi.quantisation import Quantisation
from neurosparse.network import Network, SynapseFormat, choose_sign_mode
from neurosparse.network.storage import pack_network

__all__ = ["RUNNER", "write_bundle"]

RUNNER = Path(__file__).parent / "runner"
_README = "README.txt"


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
    found = [text for tag, one in networks.items() for text in violations_of(one, tag)]
    if found:
        raise ExportLimitError(list(dict.fromkeys(found)))
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
            known = read_manifest(target).get("format") == FORMAT
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
    with (folder / ARRAYS).open("wb") as file:
        np.savez_compressed(file, **arrays)
    (folder / "runner").mkdir()
    parts = [ARRAYS, _README]
    shutil.copyfile(RUNNER / _README, folder / _README)
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
    sums = {part: sha256((folder / part).read_bytes()) for part in parts}
    manifest["sha256"] = {**sums, MANIFEST: manifest_sum({**manifest, "sha256": sums})}
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


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
