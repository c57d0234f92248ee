"""Large arrays that come back to be used again.

A step of training needs the same few large arrays as the step before. Taken from the system anew,
every page of them costs a fault, and what lies between them leaves gaps: the peak gets larger.
"""

from __future__ import annotations

import math
import weakref
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["WORKSPACE", "Workspace"]

_ALIGNMENT = 64  # bytes: a cache line, and a vector of 16 float32
_LEAST = 1 << 20  # bytes; what is smaller malloc keeps at hand by itself


class Workspace:
    """Lends arrays as tensors, and takes them back when the last reference to one is gone.

    Holds no more bytes than were lent at once at most, since `clear`.
    """

    def __init__(self) -> None:
        self._free: list[NDArray[np.uint8]] = []  # the one last given back is the last
        self._lent = self._most = 0

    @property
    def free_bytes(self) -> int:
        """Bytes at hand."""
        return sum(buffer.size for buffer in self._free)

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Return an unset tensor, aligned to cache lines."""
        n_bytes = math.prod(shape) * dtype.itemsize
        if n_bytes < _LEAST:
            return torch.empty(shape, dtype=dtype)
        root = self._take(n_bytes)
        self._lent += root.size
        self._most = max(self._most, self._lent)
        view = root[:n_bytes]
        # torch holds on to this very object for as long as any tensor or array looks into it
        weakref.finalize(view, self._give_back, root).atexit = False
        return torch.from_numpy(view).view(dtype).view(shape)

    def clear(self) -> None:
        """Give what is at hand back to the system."""
        self._free.clear()
        self._most = self._lent

    def _take(self, n_bytes: int) -> NDArray[np.uint8]:
        for index in range(len(self._free) - 1, -1, -1):
            if n_bytes <= self._free[index].size <= 2 * n_bytes:
                return self._free.pop(index)
        self._shrink_to(self._most - self._lent - n_bytes)
        raw = np.empty(n_bytes + _ALIGNMENT, dtype=np.uint8)  # numpy asks for large pages
        offset = -raw.ctypes.data % _ALIGNMENT
        return raw[offset : offset + n_bytes]

    def _give_back(self, root: NDArray[Any]) -> None:
        self._lent -= root.size
        self._free.append(root)
        self._shrink_to(self._most - self._lent)

    def _shrink_to(self, n_bytes: int) -> None:
        while self._free and self.free_bytes > max(0, n_bytes):
            self._free.pop(0)


WORKSPACE = Workspace()
