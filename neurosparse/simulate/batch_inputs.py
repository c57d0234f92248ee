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

__all__ = ["BatchInputs"]


class BatchInputs:
    """Checked inputs side by side: rasters in one array, currents in another."""

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
        rasters, currents = [], []
        self.raster_column = np.full(len(network.populations), -1, dtype=np.int64)
        self.current_columns: dict[str, int] = {}
        used = {"raster": 0, "current": 0}
        for row, (name, population) in enumerate(network.populations.items()):
            if name not in arrays:
                continue
            if population.neuron is None:
                rasters.append(_as_raster(name, arrays[name]))
                self.raster_column[row] = used["raster"]
                used["raster"] += population.size
            else:
                currents.append(_as_currents(name, arrays[name], engine))
                self.current_columns[name] = used["current"]
                used["current"] += population.size
        empty = (self.batch, self.n_steps, 0)
        self.rasters = _side_by_side(rasters, np.zeros(empty, dtype=np.uint8))
        self.currents = _side_by_side(currents, np.zeros(empty, dtype=engine))


def _side_by_side(parts: list[NDArray[Any]], empty: NDArray[Any]) -> NDArray[Any]:
    if not parts:
        return empty
    joined = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
    # always writeable, contiguous arrays: the kernel is compiled for one kind
    joined = np.ascontiguousarray(joined)
    return joined if joined.flags.writeable else joined.copy()


def _as_raster(name: str, array: NDArray[Any]) -> NDArray[np.uint8]:
    message = f"inputs[{name!r}]: a raster holds zeros and ones only"
    if array.dtype.kind not in "biuf":
        raise ParameterError(message)
    if array.dtype == np.bool_:
        return array.view(np.uint8)
    if array.dtype == np.uint8:
        if array.max(initial=0) > 1:
            raise ParameterError(message)
        return array
    if not np.isin(array, (0, 1)).all():
        raise ParameterError(message)
    return array.astype(np.uint8)


def _as_currents(name: str, array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    currents = as_currents(f"inputs[{name!r}]", array, dtype)
    return currents << 6 if dtype.kind == "i" else currents
