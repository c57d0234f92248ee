"""The exported network as a directory that runs wherever Lava is.

    README.txt      how to run it, alone or inside a Lava program
    manifest.json   what it holds: populations, projections with the formats of their weights, float
                    and fixed-point parameters, scales, depths, and the SHA-256 of every part
    arrays.npz      plain arrays: indptr, indices, weights, delays, parameters per neuron
    runner/         scripts that run it with numpy, scipy and lava-nc alone

Nothing in it is executed when it is read; `run_lava` uses its own copy of the runner.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurosparse.errors import NeurosparseError, ParameterError, StorageError
from neurosparse.loihi.limits import Tag
from neurosparse.network import Network
from neurosparse.network.storage import unpack_network

__all__ = [
    "ARRAYS",
    "FORMAT",
    "MANIFEST",
    "VERSION",
    "Bundle",
    "Tag",
    "manifest_sum",
    "read_bundle",
    "read_manifest",
    "sha256",
]

FORMAT = "neurosparse-lava-bundle"
VERSION = 3
MANIFEST = "manifest.json"
ARRAYS = "arrays.npz"


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


def sha256(data: bytes) -> str:
    """Return the checksum of a part."""
    return hashlib.sha256(data).hexdigest()


def manifest_sum(manifest: Mapping[str, Any]) -> str:
    """Sum of everything in the manifest but the sum itself, whatever the layout of the text."""
    sums = {name: value for name, value in manifest["sha256"].items() if name != MANIFEST}
    body = {**manifest, "sha256": sums}
    return sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a bundle; nothing in it is checked but its format.

    Raises
    ------
    StorageError
        If there is none, or it is not readable or foreign.
    """
    where = folder / MANIFEST
    try:
        manifest = json.loads(where.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StorageError(f"{folder}: not a bundle (no {MANIFEST})") from error
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
    manifest = read_manifest(folder)
    try:
        if manifest["version"] != VERSION:
            raise StorageError(
                f"{folder}: bundle version {manifest['version']}; this neurosparse reads {VERSION}"
            )
        sums = manifest["sha256"]
        if sums[MANIFEST] != manifest_sum(manifest):
            raise StorageError(_changed(folder, MANIFEST))
        for part in sorted(set(sums) - {MANIFEST}):
            if not (folder / part).is_file():
                raise StorageError(f"{folder}: {part} is missing; export the network again")
            if sha256((folder / part).read_bytes()) != sums[part]:
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
    with np.load(folder / ARRAYS, allow_pickle=False) as archive:
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
