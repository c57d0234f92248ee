"""One file per network: an npz archive of plain arrays and one JSON header, no pickle.

Members: ``header`` (JSON as UTF-8 bytes) and, for projection ``i``, ``p{i}.indptr``,
``p{i}.indices``, ``p{i}.weights`` and, where present, ``p{i}.delays``. Vectors among the neuron
parameters are members too. The header lists all members, as damage to a zip's directory can hide
one; the zip's checksums catch damage inside them, and the loaded arrays go through the same
validation as a network built by hand.
"""

from __future__ import annotations

import dataclasses
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import NeurosparseError, StorageError, TopologyError
from neurosparse.network.atomic import atomic_write
from neurosparse.network.network import Network, Population, Projection
from neurosparse.network.neurons import LIF, FixedPointLIF, Neuron
from neurosparse.network.synapses import Synapses

__all__ = ["FORMAT", "VERSION", "load_network", "save_network"]

FORMAT = "neurosparse-network"
VERSION = 1
_NEURONS: dict[str, type[LIF] | type[FixedPointLIF]] = {
    "LIF": LIF,
    "FixedPointLIF": FixedPointLIF,
}
# What numpy, zipfile and json raise over files that are not what they should be; a RuntimeError
# comes from zips that claim encryption, unknown methods, and JSON that is nested too deep.
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    MemoryError,
    OverflowError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def pack_network(network: Network) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Split a network into a JSON-able header and plain arrays."""
    arrays: dict[str, NDArray[Any]] = {}
    populations = []
    for index, (name, population) in enumerate(network.populations.items()):
        populations.append(
            {
                "name": name,
                "size": population.size,
                "neuron": _pack_neuron(population.neuron, f"n{index}", arrays),
            }
        )
    projections = []
    for index, projection in enumerate(network.projections):
        synapses = projection.synapses
        for part in ("indptr", "indices", "weights", "delays"):
            array = getattr(synapses, part)
            if array is not None:
                arrays[f"p{index}.{part}"] = array
        projections.append(
            {
                "name": projection.name,
                "source": projection.source,
                "target": projection.target,
                "delay": projection.delay,
                "receptor": projection.receptor,
                "shape": list(synapses.shape),
            }
        )
    header = {
        "format": FORMAT,
        "version": VERSION,
        "populations": populations,
        "projections": projections,
        "inputs": list(network.inputs),
        "outputs": list(network.outputs),
    }
    return header, arrays


def _pack_neuron(
    neuron: Neuron | None, prefix: str, arrays: dict[str, NDArray[Any]]
) -> dict[str, Any] | None:
    if neuron is None:
        return None
    packed: dict[str, Any] = {"kind": type(neuron).__name__}
    for field in dataclasses.fields(neuron):
        value = getattr(neuron, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"{prefix}.{field.name}"] = value
            value = {"array": f"{prefix}.{field.name}"}
        packed[field.name] = value
    return packed


def unpack_network(header: dict[str, Any], arrays: Any) -> Network:
    """Rebuild and validate a network from what `pack_network` made."""
    populations = {
        entry["name"]: Population(entry["size"], _unpack_neuron(entry["neuron"], arrays))
        for entry in header["populations"]
    }
    if len(populations) < len(header["populations"]):
        raise TopologyError("populations: a name stands twice")
    projections = []
    for index, entry in enumerate(header["projections"]):
        n_post, n_pre = entry["shape"]
        parts = {part: arrays[f"p{index}.{part}"] for part in ("indptr", "indices", "weights")}
        if f"p{index}.delays" in arrays:
            parts["delays"] = arrays[f"p{index}.delays"]
        synapses = Synapses(n_post, n_pre, **parts)
        fields = {key: entry[key] for key in ("source", "target", "delay", "receptor", "name")}
        projections.append(Projection(synapses=synapses, **fields))
    return Network(populations, projections, inputs=header["inputs"], outputs=header["outputs"])


def _unpack_neuron(packed: dict[str, Any] | None, arrays: Any) -> Neuron | None:
    if packed is None:
        return None
    values = dict(packed)
    kind = _NEURONS[values.pop("kind")]
    for name, value in values.items():
        if isinstance(value, dict):
            values[name] = arrays[value["array"]]
        elif isinstance(value, list):
            values[name] = tuple(value)
    return kind(**values)


def save_network(
    network: Network, path: str | PathLike[str], metadata: Mapping[str, Any] | None = None
) -> None:
    """Write ``network`` to ``path``, completely or not at all; ``metadata`` must be JSON-able."""
    header, arrays = pack_network(network)
    header |= {"members": sorted(arrays), "metadata": dict(metadata or {})}
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    with atomic_write(path) as file:
        np.savez_compressed(file, header=text, **arrays)  # type: ignore[arg-type]


def load_network(path: str | PathLike[str]) -> tuple[Network, dict[str, Any]]:
    """Read a network written by `save_network`.

    Returns
    -------
    network : Network
    metadata : dict
        What was saved beside it, for example how its inputs were encoded.

    Raises
    ------
    StorageError
        If the file is missing, truncated, altered or foreign.
    """
    where = Path(path)
    if not where.is_file():
        raise StorageError(f"{where}: no such file")
    try:
        # opened here, as np.load leaves its own file open when it fails
        if not zipfile.is_zipfile(where):
            raise zipfile.BadZipFile("it is no zip archive")
        with where.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            members = {name: archive[name] for name in archive.files}
        header = json.loads(bytes(members.pop("header")))
        if header.get("format") != FORMAT:
            raise StorageError(f"{where}: not a neurosparse network file")
        if header["version"] != VERSION:
            raise StorageError(
                f"{where}: format version {header['version']}; this neurosparse reads {VERSION}"
            )
        if header["members"] != sorted(members):
            raise StorageError(
                f"{where}: holds the arrays {sorted(members)}; its header names {header['members']}"
            )
        return unpack_network(header, members), dict(header["metadata"])
    except StorageError:
        raise
    except NeurosparseError as error:
        raise StorageError(f"{where}: holds an invalid network: {error}") from error
    except _UNREADABLE as error:
        raise StorageError(
            f"{where}: not a readable network file (truncated, altered or foreign): {error}"
        ) from error
