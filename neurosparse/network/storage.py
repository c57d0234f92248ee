"""One file per network: an archive of plain arrays and one JSON header (see `ArchiveFormat`).

Members: for projection ``i``, ``p{i}.indptr``, ``p{i}.indices``, ``p{i}.weights`` and, where
present, ``p{i}.delays``, by the ``rows`` that the header names: "post" or "pre", as the synapses
are stored. Weights without dimension are one for all synapses. Vectors among the neuron parameters
are members too. The loaded arrays go through the same validation as a network built by hand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import TopologyError
from neurosparse.network.archive import ArchiveFormat
from neurosparse.network.fixed_point import FixedPointLIF, FixedPointTernaryLIF, Neuron
from neurosparse.network.network import Network, Population, Projection
from neurosparse.network.neurons import LIF
from neurosparse.network.rows import FanIn, is_constant
from neurosparse.network.synapse_format import SynapseFormat
from neurosparse.network.synapses import Synapses

__all__ = ["load_network", "pack_network", "save_network", "unpack_network"]

_FORMAT = ArchiveFormat("neurosparse-network", 3, "network")
_PARTS = ("indptr", "indices", "weights", "delays")
_NEURONS: dict[str, type[Neuron]] = {
    kind.__name__: kind for kind in (LIF, FixedPointLIF, FixedPointTernaryLIF)
}


def pack_network(
    network: Network, *, plain: bool = False
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Split a network into a JSON-able header and plain arrays.

    With ``plain`` all synapses are by postsynaptic row and have a weight each, as matrices in
    compressed rows are read everywhere.
    """
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
        rows = synapses.by_post if plain else synapses.stored
        for part, array in zip(_PARTS, rows, strict=True):
            if array is not None:
                once = is_constant(array) and not plain
                arrays[f"p{index}.{part}"] = np.asarray(array[0]) if once else array
        projections.append(
            {
                "name": projection.name,
                "source": projection.source,
                "target": projection.target,
                "delay": projection.delay,
                "receptor": projection.receptor,
                "shape": list(synapses.shape),
                "rows": "post" if isinstance(rows, FanIn) else "pre",
                "multapses": synapses.multapses,
                "format": None
                if projection.format is None
                else dataclasses.asdict(projection.format),
            }
        )
    header = {
        "format": _FORMAT.name,
        "version": _FORMAT.version,
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
        build = {
            "post": partial(Synapses, n_post, n_pre),
            "pre": partial(Synapses.from_fan_out, n_pre, n_post),
        }[entry["rows"]]
        indptr, indices, weights = (arrays[f"p{index}.{part}"] for part in _PARTS[:3])
        delays = arrays.get(f"p{index}.delays")
        synapses = build(indptr, indices, weights, delays, multapses=entry["multapses"])
        fields = {key: entry[key] for key in ("source", "target", "delay", "receptor", "name")}
        given = entry["format"]
        fields["format"] = None if given is None else SynapseFormat(**given)
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
    _FORMAT.write(path, header | {"metadata": dict(metadata or {})}, arrays)


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
    with _FORMAT.reading(path) as (header, arrays):
        return unpack_network(header, arrays), dict(header["metadata"])
