"""Layers as they stand in a lava-dl NetX file (``.net``, HDF5).

The layout is that of lava-dl 0.6.0, ``lava.lib.dl.slayer.block.base.*.export_hdf5``::

    layer/0, layer/1, ...     one group per layer, from input to output
        type                  "input", "flatten", "dense", "dense_rec", "conv", ...
        shape                 (C, H, W), (N, 1, 1) or (N,)
        weight                (N, inFeatures), or as one row after the other
        weight_rec            (N, N), of dense_rec
        bias                  (N,)
        delay                 one, (N,), (inFeatures,) or (N, inFeatures) [steps]
        neuron/               type ("CUBA", "LOIHI", "SDNN", ...), iDecay, vDecay, vThMant, refDelay
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import StorageError
from neurosparse.interop.damaged import UNREADABLE
from neurosparse.optional import load_optional

__all__ = ["Layer", "read_layers"]

_ARRAYS = ("weight", "weight_rec", "bias", "delay")
_PARAMETERS = ("iDecay", "vDecay", "vThMant", "refDelay", "gradedSpike")


class Layer(NamedTuple):
    """A layer as it stands in the file."""

    number: int
    kind: str
    shape: tuple[int, ...] | None
    arrays: Mapping[str, NDArray[Any]]
    is_complex: bool  # weights are of complex numbers
    neuron: Mapping[str, Any] | None

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(np.prod(self.shape or (0,), dtype=np.int64))


def read_layers(path: str | PathLike[str]) -> list[Layer]:
    """Return the layers of a file, in their order.

    Raises
    ------
    StorageError
        If the file is missing, truncated or foreign.
    """
    h5py, where = load_optional("h5py", "NetX files", "interop"), Path(path)
    if not where.is_file():
        raise StorageError(f"{where}: no such file")
    try:
        with h5py.File(where, "r") as file:
            return _read(h5py, file)
    except UNREADABLE as error:
        raise StorageError(
            f"{where}: not a readable NetX file (truncated, altered or foreign): {error}"
        ) from error


def _read(h5py: Any, file: Any) -> list[Layer]:
    group = file.get("layer")
    if not isinstance(group, h5py.Group) or not len(group):
        raise ValueError("it has no group 'layer' with layers in it")
    expected = {str(number) for number in range(len(group))}
    if set(group) != expected:
        raise ValueError(f"layers are {sorted(group)}; expected 0 to {len(group) - 1}")
    return [_read_layer(h5py, group[str(number)], number) for number in range(len(group))]


def _read_layer(h5py: Any, group: Any, number: int) -> Layer:
    where = f"layer {number}"
    if not isinstance(group, h5py.Group) or "type" not in group:
        raise ValueError(f"{where} has no type")
    arrays = {}
    for name in _ARRAYS:
        if name in group and isinstance(group[name], h5py.Dataset):
            arrays[name] = _numbers(f"{where}: {name}", group[name])
    shape = None
    if "shape" in group:
        sides = _numbers(f"{where}: shape", group["shape"]).ravel()
        if not sides.size or (sides < 1).any() or (sides != np.rint(sides)).any():
            raise ValueError(f"{where}: shape is {sides.tolist()}")
        shape = tuple(int(side) for side in sides)
    neuron: dict[str, Any] | None = None
    if "neuron" in group:
        given = group["neuron"]
        neuron = {
            key: _numbers(f"{where}: neuron/{key}", given[key])
            for key in _PARAMETERS
            if key in given
        }
        neuron["type"] = _text(given["type"]) if "type" in given else "CUBA"
    is_complex = "weight" in group and not isinstance(group["weight"], h5py.Dataset)
    return Layer(number, _text(group["type"]), shape, arrays, is_complex, neuron)


def _text(dataset: Any) -> str:
    """Return text that is stored as one string or, as lava-dl does, as an array of one."""
    value = np.asarray(dataset[()]).ravel()[0]
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


def _numbers(where: str, dataset: Any) -> NDArray[Any]:
    values = np.asarray(dataset[()])
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{where} holds {values.dtype}; expected numbers")
    if not np.isfinite(values).all():
        raise ValueError(f"{where} holds numbers that are not finite")
    return values
