"""Give every population its place in the arrays the kernels run on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import LIF, Network
from neurosparse.simulate.engine_arrays import Populations
from neurosparse.simulate.wires import numbers_of

__all__ = [
    "LINE",
    "aligned",
    "aligned_copy",
    "has_own_parameters",
    "lay_out_populations",
    "padded",
]

LINE = 16  # neurons; populations and parts begin at whole cache lines of float32


def padded(size: int) -> int:
    """Return the cells that ``size`` neurons take."""
    return -(-size // LINE) * LINE


def aligned(shape: int | tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return zeros that begin at a cache line: vectors as wide as a line then load whole lines."""
    n = int(np.prod(shape))
    room = np.zeros(n * np.dtype(dtype).itemsize + 64, dtype=np.uint8)
    skip = -room.ctypes.data % 64
    aligned: NDArray[Any] = room[skip : skip + n * np.dtype(dtype).itemsize].view(dtype)
    return aligned.reshape(shape)


def aligned_copy(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy that begins at a cache line."""
    copied = aligned(array.shape, array.dtype)
    copied[...] = array
    return copied


def lay_out_populations(network: Network, lane_bits: int) -> Populations:
    """Give every population its place, ``1 << lane_bits`` samples side by side."""
    depths = network.depths
    rows = []
    cell = slot = receptor = each = 0
    numbers = zip(*numbers_of(network), strict=True)
    for (name, population), (first, minus) in zip(
        network.populations.items(), numbers, strict=True
    ):
        neuron, size = population.neuron, population.size << lane_bits
        stride = padded(size)
        n_receptors = 0 if neuron is None else neuron.n_receptors
        is_lif = isinstance(neuron, LIF)
        has_own = is_lif and has_own_parameters(neuron)  # type: ignore[arg-type]
        rows.append(
            (
                first << lane_bits,
                size,
                -1 if neuron is None else cell,
                slot,
                stride,
                n_receptors,
                receptor,
                each if has_own else -1,
                getattr(neuron, "refractory", 0),
                is_lif and neuron.reset == "subtract",  # type: ignore[union-attr]
                -1,
                depths[name],
                minus << lane_bits,
            )
        )
        each += stride * has_own
        receptor += n_receptors
        if neuron is not None:
            cell += stride
            slot += stride * n_receptors
    columns: Any = [*np.array(rows, dtype=np.int64).T.copy(), np.int64(lane_bits)]
    return Populations(*columns)


def has_own_parameters(neuron: LIF) -> bool:
    """Whether the general update is needed: vectors of parameters, or many receptors."""
    values = (neuron.dv, neuron.vth, neuron.bias, neuron.v_reset)
    return neuron.n_receptors > 2 or any(isinstance(value, np.ndarray) for value in values)
