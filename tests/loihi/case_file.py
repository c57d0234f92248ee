"""Thousands of small arrays in one file; read by the child too, so numpy alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

Cases = list[dict[str, Any]]  # every value an array, or what JSON can say


def write_cases(path: Path, cases: Cases) -> None:
    index: list[dict[str, Any]] = []
    parts: list[bytes] = []
    size = 0
    for case in cases:
        entries: dict[str, Any] = {}
        for name, value in case.items():
            if not isinstance(value, np.ndarray):
                entries[name] = value
                continue
            parts.append(np.ascontiguousarray(value).tobytes())
            entries[name] = {"at": size, "dtype": value.dtype.str, "shape": list(value.shape)}
            size += len(parts[-1])
        index.append(entries)
    np.savez(path, index=np.array(json.dumps(index)), data=np.frombuffer(b"".join(parts), np.uint8))


def read_cases(path: Path) -> Cases:
    with np.load(path, allow_pickle=False) as archive:
        index, data = json.loads(str(archive["index"])), archive["data"].tobytes()

    def read(entry: Any) -> Any:
        if not (isinstance(entry, dict) and set(entry) == {"at", "dtype", "shape"}):
            return entry
        count = int(np.prod(entry["shape"]))
        array = np.frombuffer(data, np.dtype(entry["dtype"]), count, entry["at"])
        return array.reshape(entry["shape"])

    return [{name: read(entry) for name, entry in case.items()} for case in index]
