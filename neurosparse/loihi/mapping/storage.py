"""A mapping as one JSON file, readable by people and other tools.

``cores`` is a list with one object per core: ``blocks`` (``population``, and ``neurons`` as a list
of ranges ``[first, end)``) and ``demand`` by resource. ``flow`` has a row per core, in the order of
``flow_columns``. ``rules`` says what a core allows.
"""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import NeurosparseError, StorageError
from neurosparse.loihi.mapping.demand import COLUMNS, FLOWS
from neurosparse.loihi.mapping.dense import DenseTwin
from neurosparse.loihi.mapping.mapping import Block, Mapping, Trial
from neurosparse.loihi.mapping.rules import RESOURCES, CoreRules
from neurosparse.network.atomic import atomic_write

__all__ = ["load_mapping", "save_mapping"]

FORMAT, VERSION = "neurosparse-mapping", 1
_UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


def save_mapping(mapping: Mapping, path: str | PathLike[str]) -> None:
    """Write a mapping, completely or not at all."""
    cores: list[dict[str, Any]] = [
        {"blocks": [], "demand": dict(zip(COLUMNS, row, strict=True))}
        for row in mapping.demand.tolist()
    ]
    for block in mapping.blocks:
        cores[block.core]["blocks"].append(
            {"population": block.population, "neurons": _ranges(block.neurons)}
        )
    document = {
        "format": FORMAT,
        "version": VERSION,
        "rules": mapping.rules.to_dict(),
        "populations": dict(mapping.sizes),
        "method": mapping.method,
        "trials": [trial._asdict() for trial in mapping.trials],
        "dense": vars(mapping.dense),
        "messages_are_spikes": mapping.weighted,
        "remarks": list(mapping.remarks),
        "cores": cores,
        "flow_columns": list(FLOWS),
        "flow": mapping.flow.tolist(),
    }
    with atomic_write(path) as file:
        file.write(json.dumps(document, allow_nan=False).encode() + b"\n")


def load_mapping(path: str | PathLike[str]) -> Mapping:
    """Read what `save_mapping` wrote.

    Raises
    ------
    StorageError
        If the file is missing, truncated, altered or foreign. Whether the mapping is one of a
        given network, `verify_mapping` tells.
    """
    where = Path(path)
    if not where.is_file():
        raise StorageError(f"{where}: no such file")
    try:
        document = json.loads(where.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise StorageError(f"{where}: not a neurosparse mapping file")
        if document["version"] != VERSION:
            raise StorageError(
                f"{where}: format version {document['version']}; this neurosparse reads {VERSION}"
            )
        return _build(document)
    except StorageError:
        raise
    except (*_UNREADABLE, NeurosparseError) as error:
        raise StorageError(
            f"{where}: not a readable mapping file (truncated, altered or foreign): {error!r}"
        ) from error


def _build(document: dict[str, Any]) -> Mapping:
    rules = CoreRules.from_dict(document["rules"])
    if list(rules.limits) != list(RESOURCES) or document["flow_columns"] != list(FLOWS):
        raise ValueError("resources or columns of flow are others than expected")
    sizes = {str(name): int(size) for name, size in document["populations"].items()}
    blocks, demand = [], []
    for index, core in enumerate(document["cores"]):
        start = 0
        for entry in core["blocks"]:
            size = sizes[entry["population"]]
            neurons = _neurons(entry["neurons"], size)
            blocks.append(Block(index, entry["population"], start, neurons))
            start += neurons.size
        demand.append([int(core["demand"][name]) for name in COLUMNS])
    needs = np.array(demand, dtype=np.int64).reshape(-1, len(COLUMNS))
    flow = np.array(document["flow"], dtype=np.float64).reshape(-1, len(FLOWS))
    if not len(needs) or len(flow) != len(needs):
        raise ValueError(f"{len(needs)} cores and {len(flow)} rows of flow")
    return Mapping(
        rules,
        sizes,
        tuple(blocks),
        needs,
        flow,
        str(document["method"]),
        tuple(Trial(**trial) for trial in document["trials"]),
        DenseTwin(**document["dense"]),
        bool(document["messages_are_spikes"]),
        tuple(map(str, document["remarks"])),
    )


def _ranges(neurons: NDArray[np.int32]) -> list[list[int]]:
    """Return ascending numbers as ranges ``[first, end)``."""
    gaps = np.flatnonzero(np.diff(neurons) != 1) + 1
    firsts = neurons[np.concatenate([[0], gaps])]
    lasts = neurons[np.concatenate([gaps - 1, [neurons.size - 1]])]
    return [[int(one), int(last) + 1] for one, last in zip(firsts, lasts, strict=True)]


def _neurons(ranges: list[list[int]], size: int) -> NDArray[np.int32]:
    end = 0
    for first, stop in ranges:
        if not end <= first < stop <= size:
            raise ValueError(f"neurons: the range [{first}, {stop}) does not fit a population")
        end = stop
    neurons = np.concatenate([np.arange(*pair, dtype=np.int32) for pair in ranges])
    neurons.setflags(write=False)
    return neurons
