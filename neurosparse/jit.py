"""The one place that sets numba's options.

``kernel`` compiles once and caches on disk, keeps IEEE semantics (no fastmath: it would change
summation order and break bit-equality with Lava and the references), and releases the GIL.
``kernel_parallel`` adds prange; its kernels own disjoint output rows, so results do not depend on
the number of threads.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import numba

__all__ = ["kernel", "kernel_parallel", "kernel_parallel_reassociated", "threads_for"]

# Multiply-adds that one core does in about a millisecond; waking threads for less gains nothing.
SERIAL_BELOW = 1 << 22

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a serial kernel."""
    return cast("F", numba.njit(cache=True, nogil=True)(function))


def kernel_parallel(function: F) -> F:
    """Compile a kernel whose ``prange`` loops own disjoint output rows."""
    return cast("F", numba.njit(cache=True, nogil=True, parallel=True)(function))


def kernel_parallel_reassociated(function: F) -> F:
    """Compile a parallel kernel whose sums may be reassociated, so that they vectorise.

    For gradients only: nothing that decides a spike may use it.
    """
    options = {"reassoc", "nsz", "contract"}
    return cast("F", numba.njit(cache=True, nogil=True, parallel=True, fastmath=options)(function))


@contextlib.contextmanager
def threads_for(n_operations: int) -> Iterator[None]:
    """Run the parallel kernels inside with as many threads as their work is worth.

    Parameters
    ----------
    n_operations : int
        Multiply-adds; below ``SERIAL_BELOW`` one thread does them. Results do not depend on it.
    """
    before = numba.get_num_threads()
    if n_operations < SERIAL_BELOW:
        numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)
