"""The one place that sets numba's options.

``kernel`` compiles once and caches on disk, keeps IEEE semantics (no fastmath: it would change
summation order and break bit-equality with Lava and the references), and releases the GIL.
``kernel_parallel`` adds prange; its kernels own disjoint output rows, so results do not depend on
the number of threads.

Importing this sets ``GOMP_SPINCOUNT`` unless it is set: threads of a parallel kernel that wait for
each other then sleep after about 0.5 ms. That is longer than what Python does between two kernels
of a training step: to be woken for each made a step of 9 ms take 13. OpenMP's default spins for
many milliseconds; where another process holds a core, a run on two threads was ten times slower.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

__all__ = [
    "compile_notice",
    "kernel",
    "kernel_inlined",
    "kernel_parallel",
    "kernel_parallel_reassociated",
    "renamed",
    "threads_for",
]

NOTICE_AFTER = 2.0  # seconds; loading a compiled kernel from the cache takes less

# read when the first parallel kernel starts the threads
os.environ.setdefault("GOMP_SPINCOUNT", "50000")

# Multiply-adds that one core does in about a millisecond; waking threads for less gains nothing.
SERIAL_BELOW = 1 << 22


def _forget_stale_kernels(package: Path) -> None:
    """Delete compiled kernels that are older than some kernel's source.

    numba compiles a kernel anew when its own file changes, not when that of a kernel it calls does.
    """
    sources = list(package.rglob("*_kernels.py"))
    # and their types: the groups of arrays that kernels take
    types = [package / "lanes.py", package / "simulate" / "engine_arrays.py"]
    newest = max(source.stat().st_mtime for source in [*sources, *types])
    elsewhere = os.environ.get("NUMBA_CACHE_DIR")
    for source in sources:
        name = f"{source.stem}.*.nbi"
        places = (source.parent / "__pycache__").glob(name)
        for index in Path(elsewhere).rglob(name) if elsewhere else places:
            # a folder that cannot be written holds no kernels of ours; another process may have
            # been faster
            with contextlib.suppress(OSError):
                if index.stat().st_mtime < newest:
                    index.unlink()


_forget_stale_kernels(Path(__file__).parent)

_COMPILED: set[Any] = set()  # kernels that were called before, for some type at least

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a serial kernel."""
    # said outright, as numba would let it inherit the option from a caller that is inlined
    return cast("F", numba.njit(cache=True, nogil=True, forceinline=False)(function))


def kernel_inlined(function: F) -> F:
    """Compile a piece of a serial kernel into its caller.

    For pieces that take groups of arrays: passing a hundred of them costs more than many a piece.
    """
    return cast("F", numba.njit(cache=True, nogil=True, forceinline=True)(function))


def kernel_parallel(function: F) -> F:
    """Compile a kernel whose ``prange`` loops own disjoint output rows."""
    return cast("F", numba.njit(cache=True, nogil=True, parallel=True)(function))


def renamed(function: F, name: str) -> F:
    """Return a copy of a function under another name, to be compiled in a second way.

    numba's cache on disk tells kernels apart by their name and place, not by their options.
    """
    copied = types.FunctionType(
        function.__code__, function.__globals__, name, function.__defaults__, function.__closure__
    )
    copied.__qualname__ = name
    copied.__doc__ = function.__doc__
    copied.__module__ = function.__module__
    return cast("F", copied)


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


@contextlib.contextmanager
def compile_notice(kernel: Any) -> Iterator[None]:
    """Say on stderr that a kernel is being compiled, if the call inside has to do that.

    Parameters
    ----------
    kernel : numba dispatcher
        What is called inside; silent if it was called before or is found in numba's cache.
    """
    if kernel in _COMPILED:
        yield
        return
    message = (
        "neurosparse: compiling for this machine, once (the result is kept on disk); "
        "this may take a minute\n"
    )
    notice = threading.Timer(NOTICE_AFTER, sys.stderr.write, [message])
    notice.daemon = True
    notice.start()
    try:
        yield
        _COMPILED.add(kernel)
    finally:
        notice.cancel()
