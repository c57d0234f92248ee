"""Move what is aligned with the synapses when some go and others come (numba).

Survivors stand in blocks that move by the same number of places. Arrays are given by address and
size of an entry: one kernel, compiled once, moves arrays of any dtype, and all of them in one
call; for a small layer calls cost more than what they do.

Oracle: ``tests/sparsify/reference.py`` (Python lists and sets).
"""

from __future__ import annotations

import ctypes

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from neurosparse.jit import kernel, kernel_parallel, renamed


def move_bytes(target, source, n):
    """Copy ``n`` bytes from one address to another; they may overlap."""
    ctypes.memmove(int(target), int(source), int(n))


def zero_bytes(target, n):
    """Write ``n`` zeros to an address."""
    ctypes.memset(int(target), 0, int(n))


@intrinsic
def _move_bytes(typingctx, target, source, n):
    def codegen(context, builder, signature, args):
        byte = ir.IntType(8).as_pointer()
        places = [builder.inttoptr(address, byte) for address in args[:2]]
        cgutils.raw_memmove(builder, *places, args[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


@overload(move_bytes, inline="always")
def _move_bytes_compiled(target, source, n):
    def compiled(target, source, n):
        _move_bytes(target, source, n)

    return compiled


@intrinsic
def _zero_bytes(typingctx, target, n):
    def codegen(context, builder, signature, args):
        place = builder.inttoptr(args[0], ir.IntType(8).as_pointer())
        cgutils.memset(builder, place, args[1], 0)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@overload(zero_bytes, inline="always")
def _zero_bytes_compiled(target, n):
    def compiled(target, n):
        _zero_bytes(target, n)

    return compiled


@kernel
def find_blocks(n_before, dropped, places, starts, ends, shifts):
    """Write where blocks of survivors start and end and how far they move; return their number.

    At most ``dropped.size + places.size + 1``.
    """
    n_blocks = 0
    i = 0  # survivors and dropped before ``i`` are done; survivors and newborns before ``j``
    j = 0
    out = 0
    new = 0
    while True:
        while out < dropped.size and dropped[out] == i:
            out += 1
            i += 1
        while new < places.size and places[new] == j:
            new += 1
            j += 1
        if i >= n_before:
            return n_blocks
        n = (dropped[out] if out < dropped.size else n_before) - i
        if new < places.size:
            n = min(n, places[new] - j)
        starts[n_blocks] = i
        ends[n_blocks] = i + n
        shifts[n_blocks] = j - i
        n_blocks += 1
        i += n
        j += n


@kernel
def zero_newborns(targets, sizes, places, low, high):
    """Write zeros where newborns stand from ``low`` to ``high - 1``."""
    for b in range(places.size):
        if low <= places[b] < high:
            for k in range(sizes.size):
                zero_bytes(targets[k] + places[b] * sizes[k], sizes[k])


@kernel
def copy_moved(sources, targets, sizes, n_before, n_after, dropped, places):
    """Copy survivors to where they stand after the exchange, and write zeros for the newborn."""
    n_most = dropped.size + places.size + 1
    starts, ends, shifts = np.empty((3, n_most), np.int64)
    for b in range(find_blocks(n_before, dropped, places, starts, ends, shifts)):
        n = ends[b] - starts[b]
        for k in range(sizes.size):
            size = sizes[k]
            source = sources[k] + starts[b] * size
            move_bytes(targets[k] + (starts[b] + shifts[b]) * size, source, n * size)
    zero_newborns(targets, sizes, places, 0, n_after)


@kernel
def slide(addresses, sizes, starts, ends, shifts, low, high):
    """Move in place what stands from ``low`` to ``high - 1`` before and after.

    A block that moves left may only overwrite what moves left before it, one that moves right only
    what moves right after it. So the former go first, in ascending order, and the latter in
    descending order.
    """
    n_blocks = starts.size
    for turn in range(2 * n_blocks):
        left = turn < n_blocks
        b = turn if left else 2 * n_blocks - 1 - turn
        shift = shifts[b]
        if shift == 0 or (shift < 0) != left:
            continue
        first = max(starts[b], low, low - shift)
        last = min(ends[b], high, high - shift)
        if first < last:
            for k in range(sizes.size):
                size = sizes[k]
                place = addresses[k] + first * size
                move_bytes(place + shift * size, place, (last - first) * size)


@kernel
def cross(addresses, sizes, starts, ends, shifts, border, saved, back):
    """Save what is to cross a border, or bring it ``back``, to its place; return the bytes it has.

    Nothing is written where ``saved``, an address, is 0.
    """
    n_bytes = 0
    for b in range(starts.size):
        shift = shifts[b]
        first = max(starts[b], border - max(shift, 0))
        last = min(ends[b], border - min(shift, 0))
        if shift == 0 or first >= last:
            continue
        for k in range(sizes.size):
            size = sizes[k]
            n = (last - first) * size
            if saved and back:
                move_bytes(addresses[k] + (first + shift) * size, saved + n_bytes, n)
            elif saved:
                move_bytes(saved + n_bytes, addresses[k] + first * size, n)
            n_bytes += n
    return n_bytes


@kernel
def cross_all(addresses, sizes, starts, ends, shifts, bounds, saved, back):
    """Do for all borders between parts what `cross` does for one."""
    n_bytes = 0
    for p in range(1, bounds.size - 1):
        place = saved + n_bytes if saved else 0
        n_bytes += cross(addresses, sizes, starts, ends, shifts, bounds[p], place, back)
    return n_bytes


def move(addresses, sizes, n, dropped, places, bounds):
    """Move survivors of ``n`` entries in place, part by part, and write zeros for the newborn.

    Parts are moved beside each other: torch's optimisers work in parallel too, and what one core
    has just written another gets slowly. What goes from part to part, which is little, is saved
    before and brought back after.
    """
    n_most = dropped.size + places.size + 1
    starts, ends, shifts = np.empty((3, n_most), np.int64)
    n_blocks = find_blocks(n, dropped, places, starts, ends, shifts)
    starts, ends, shifts = starts[:n_blocks], ends[:n_blocks], shifts[:n_blocks]
    saved = np.empty(cross_all(addresses, sizes, starts, ends, shifts, bounds, 0, False), np.uint8)
    cross_all(addresses, sizes, starts, ends, shifts, bounds, saved.ctypes.data, False)
    for p in numba.prange(bounds.size - 1):
        slide(addresses, sizes, starts, ends, shifts, bounds[p], bounds[p + 1])
        zero_newborns(addresses, sizes, places, bounds[p], bounds[p + 1])
    cross_all(addresses, sizes, starts, ends, shifts, bounds, saved.ctypes.data, True)


move_serial = kernel(renamed(move, "move_serial"))
move_parallel = kernel_parallel(renamed(move, "move_parallel"))
