"""What drives a spike source: spikes, and messages where it sends some."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import Network, Projection, Spikes
from neurosparse.simulate.checks import as_array, shown
from neurosparse.simulate.stimuli import NoiseCurrent, StepCurrent
from neurosparse.simulate.wires import takes_messages

__all__ = ["Train", "as_messages", "as_table", "as_train", "narrowest_messages"]


class Train(NamedTuple):
    """When a source fires and, if it sends other numbers than 1, what."""

    spikes: Spikes
    messages: NDArray[np.int32] | None  # (n_steps, size)


def narrowest_messages(network: Network, name: str) -> Projection | None:
    """Return the projection of a source that takes the shortest messages; None if none does."""
    takers = [p for p in network.projections if p.source == name and takes_messages(network, p)]
    return min(takers, key=_bits, default=None)


def _bits(projection: Projection) -> int:
    return 0 if projection.format is None else projection.format.num_message_bits


def as_table(name: str, value: Any, size: int, expected: str) -> NDArray[Any]:
    """Return one row per step; ``expected`` says what else it could have been."""
    array = as_array(f"inputs[{name!r}]", value)
    if array.dtype.kind == "O":
        raise ParameterError(f"inputs[{name!r}]: got {shown(value)}; expected {expected}")
    if array.ndim != 2 or array.shape[1] != size:
        raise ShapeError(f"inputs[{name!r}]: got shape {array.shape}; expected (n_steps, {size})")
    return array


def as_train(network: Network, name: str, value: Any) -> Train:
    """Return checked spikes of a source, and its messages.

    Raises
    ------
    ShapeError, ParameterError
        If they do not fit the source, or a message is too large for a projection.
    """
    size = network.populations[name].size
    if isinstance(value, Spikes):
        if value.n_neurons != size:
            raise ShapeError(
                f"inputs[{name!r}]: spikes of {value.n_neurons} neurons; expected {size}"
            )
        signed = value.signs is not None and (value.signs < 0).any()
        sends = signed and narrowest_messages(network, name) is not None
        return Train(value, value.raster().astype(np.int32) if sends else None)
    if isinstance(value, StepCurrent | NoiseCurrent):
        raise ShapeError(
            f"inputs[{name!r}]: got {type(value).__name__}, but {name!r} is a spike source; "
            "expected Spikes, a raster or Poisson"
        )
    array = as_table(name, value, size, "Spikes, a raster or Poisson")
    if array.dtype.kind in "biuf" and np.isin(array, (0, 1)).all():
        return Train(Spikes.from_raster(array), None)
    return Train(Spikes.from_raster(array), as_messages(network, name, array))


def as_messages(network: Network, name: str, array: NDArray[Any]) -> NDArray[np.int32]:
    """Return messages that every projection of a source can take.

    Raises
    ------
    ParameterError
        If it sends none, or they are no integers, or too large.
    """
    narrowest = narrowest_messages(network, name)
    if narrowest is None:
        raise ParameterError(f"inputs[{name!r}]: a raster holds zeros and ones only")
    if array.dtype.kind not in "biu":
        raise ParameterError(
            f"inputs[{name!r}]: got {array.dtype} messages; expected integers (n_steps, size)"
        )
    most = (1 << _bits(narrowest)) - 1
    bad = (array < -most) | (array > most)
    if bad.any():
        raise ParameterError(
            f"inputs[{name!r}]: got {array[bad][0]}; allowed is {-most} to {most}, as projection "
            f"{narrowest.name!r} sends messages of {_bits(narrowest)} bits"
        )
    return array.astype(np.int32)
