"""What a batch of samples is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import Network
from neurosparse.simulate.arithmetic import as_currents
from neurosparse.simulate.checks import as_array
from neurosparse.simulate.probes import check_population
from neurosparse.simulate.trains import as_messages

__all__ = ["BatchInputs"]


class BatchInputs:
    """Checked inputs side by side: rasters in one array, currents and messages in others."""

    def __init__(self, network: Network, inputs: Any, engine: np.dtype[Any]) -> None:
        if not isinstance(inputs, Mapping):
            if len(network.inputs) != 1:
                raise ParameterError(
                    f"inputs: got one array for the inputs {list(network.inputs)}; expected a "
                    "mapping of population names to arrays"
                )
            inputs = {network.inputs[0]: inputs}
        if not inputs:
            raise ParameterError("inputs: got none; expected at least one array of samples")
        arrays = {name: as_array(f"inputs[{name!r}]", value) for name, value in inputs.items()}
        for name, array in arrays.items():
            check_population(network, "inputs", name)
            size = network.populations[name].size
            if array.ndim != 3 or array.shape[2] != size:
                raise ShapeError(
                    f"inputs[{name!r}]: got shape {array.shape}; expected (batch, n_steps, {size})"
                )
        shapes = {array.shape[:2] for array in arrays.values()}
        if len(shapes) > 1:
            raise ShapeError(f"inputs: got (batch, n_steps) of {sorted(shapes)}; expected one")
        self.batch, self.n_steps = shapes.pop()
        rasters, currents, messages = [], [], []
        self.raster_column = np.full(len(network.populations), -1, dtype=np.int64)
        self.current_columns: dict[str, int] = {}
        self.message_columns: dict[str, int] = {}
        used = {"raster": 0, "current": 0, "message": 0}
        for row, (name, population) in enumerate(network.populations.items()):
            if name not in arrays:
                continue
            if population.neuron is None:
                raster, sent = _as_raster(network, name, arrays[name])
                rasters.append(raster)
                if sent is not None:
                    messages.append(sent)
                    self.message_columns[name] = used["message"]
                    used["message"] += population.size
                self.raster_column[row] = used["raster"]
                used["raster"] += population.size
            else:
                currents.append(_as_currents(name, arrays[name], engine))
                self.current_columns[name] = used["current"]
                used["current"] += population.size
        empty = (self.batch, self.n_steps, 0)
        self.rasters = _side_by_side(rasters, np.zeros(empty, dtype=np.uint8))
        self.currents = _side_by_side(currents, np.zeros(empty, dtype=engine))
        self.messages = _side_by_side(messages, np.zeros(empty, dtype=np.int32))


def _side_by_side(parts: list[NDArray[Any]], empty: NDArray[Any]) -> NDArray[Any]:
    if not parts:
        return empty
    joined = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
    # always writeable, contiguous arrays: the kernel is compiled for one kind
    joined = np.ascontiguousarray(joined)
    return joined if joined.flags.writeable else joined.copy()


def _as_raster(
    network: Network, name: str, array: NDArray[Any]
) -> tuple[NDArray[np.uint8], NDArray[np.int32] | None]:
    """Return when a source fires and, if it sends other numbers than 1, what."""
    if array.dtype == np.bool_:
        return array.view(np.uint8), None
    if array.dtype == np.uint8 and array.max(initial=0) <= 1:
        return array, None
    if array.dtype.kind in "biuf" and np.isin(array, (0, 1)).all():
        return array.astype(np.uint8), None
    sent = as_messages(network, name, array)
    return (sent != 0).view(np.uint8), sent


def _as_currents(name: str, array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    currents = as_currents(f"inputs[{name!r}]", array, dtype)
    return currents << 6 if dtype.kind == "i" else currents
