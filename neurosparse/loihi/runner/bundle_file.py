"""Read an exported bundle with numpy alone, and see that nobody changed it.

Runs in the child interpreter: standard library and numpy only, never neurosparse.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Arrays = dict[str, Any]

_ARRAYS = "arrays.npz"
_MANIFEST = "manifest.json"
_UNREADABLE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, AttributeError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError),
)


class BundleFileError(ValueError):
    """The bundle is missing, changed, or holds no network of the tag asked for."""


class Definition(NamedTuple):
    """One network of a bundle, as numbers: what Lava's processes are made from."""

    tag: str  # "floating_pt" or "fixed_pt"
    header: dict[str, Any]  # populations, projections, inputs, outputs
    arrays: Arrays  # indptr, indices, weights, delays, parameters per neuron
    depths: dict[str, int]  # by population: steps until an input can reach it

    @property
    def populations(self) -> dict[str, dict[str, Any]]:
        """Populations by name, in order."""
        return {entry["name"]: entry for entry in self.header["populations"]}


def read_definition(bundle: Any, tag: str) -> Definition:
    """Read the network for Lava's models ``tag``; raises BundleFileError."""
    folder = Path(bundle)
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        sums = manifest["sha256"]
        if sums[_MANIFEST] != _manifest_sum(manifest):
            raise BundleFileError(f"{folder}: {_MANIFEST} was changed after the export")
        data = (folder / _ARRAYS).read_bytes()
        if hashlib.sha256(data).hexdigest() != sums[_ARRAYS]:
            raise BundleFileError(f"{folder}: {_ARRAYS} was changed after the export")
        if tag not in manifest["networks"]:
            held = ", ".join(manifest["networks"])
            raise BundleFileError(f"{folder}: holds {held} only, not {tag!r}")
        arrays = read_arrays(folder / _ARRAYS)
        own = {k.partition("/")[2]: v for k, v in arrays.items() if k.startswith(tag + "/")}
        return Definition(tag, manifest["networks"][tag], own, dict(manifest["depths"]))
    except BundleFileError:
        raise
    except _UNREADABLE as error:
        raise BundleFileError(f"{folder}: not a readable bundle ({error})") from error


def read_arrays(path: Path) -> Arrays:
    """Read an npz of plain arrays."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _manifest_sum(manifest: dict[str, Any]) -> str:
    sums = {name: value for name, value in manifest["sha256"].items() if name != _MANIFEST}
    body = {**manifest, "sha256": sums}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
