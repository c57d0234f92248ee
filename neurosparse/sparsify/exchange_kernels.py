"""Take synapses out of rows and put others in (numba).

Oracle: ``tests/sparsify/reference.py`` (Python lists and sets).
"""

from __future__ import annotations

import ctypes

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from neurosparse.jit import kernel

FINE, OUT_OF_ORDER, TAKEN = 0, 1, 2  # what `place_newborns` returns


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
def place_newborns(indptr, indices, n_columns, dropped, born, places, columns, new_indptr):
    """Find where newborns stand after the exchange, and the new row pointers.

    ``dropped`` are ascending positions. Returns FINE, or OUT_OF_ORDER or TAKEN where ``born`` are
    no ascending keys or one of them survives.
    """
    n_rows = indptr.size - 1
    before = np.int64(-1)
    n_out = 0  # of the dropped, those before the place of the newborn
    for b in range(born.size):
        key = born[b]
        if key <= before or key >= n_rows * n_columns:
            return OUT_OF_ORDER
        before = key
        row = key // n_columns
        column = key - row * n_columns
        low = indptr[row]
        high = indptr[row + 1]
        while low < high:
            middle = (low + high) >> 1
            if indices[middle] < column:
                low = middle + 1
            else:
                high = middle
        while n_out < dropped.size and dropped[n_out] < low:
            n_out += 1
        if low < indptr[row + 1] and indices[low] == column:
            if n_out == dropped.size or dropped[n_out] != low:
                return TAKEN
        columns[b] = column
        places[b] = low - n_out + b
    n_out = 0
    n_in = 0
    for row in range(n_rows + 1):
        while n_out < dropped.size and dropped[n_out] < indptr[row]:
            n_out += 1
        while n_in < born.size and born[n_in] < row * n_columns:
            n_in += 1
        new_indptr[row] = indptr[row] - n_out + n_in
    return FINE


@kernel
def carry(sources, targets, sizes, n_before, n_after, dropped, places, in_place):
    """Move the survivors of arrays that lie at addresses, and write zeros for the newborn.

    ``sizes`` are those of an entry, in bytes. One kernel, compiled once, moves arrays of any dtype,
    and all of them in one call: for a small layer calls cost more than what they do.

    In place, a block that moves left may only overwrite what moves left before it, one that moves
    right only what moves right after it. So the former go first, in ascending order, and the
    latter in descending order.
    """
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
            break
        n = (dropped[out] if out < dropped.size else n_before) - i
        n = min(n, (places[new] if new < places.size else n_after) - j)
        if not in_place or j < i:
            for k in range(sizes.size):
                size = sizes[k]
                move_bytes(targets[k] + j * size, sources[k] + i * size, n * size)
        i += n
        j += n
    if in_place:
        i = n_before
        j = n_after
        out = dropped.size - 1
        new = places.size - 1
        while True:
            while out >= 0 and dropped[out] == i - 1:
                out -= 1
                i -= 1
            while new >= 0 and places[new] == j - 1:
                new -= 1
                j -= 1
            if i <= 0:
                break
            n = i - (dropped[out] + 1 if out >= 0 else 0)
            n = min(n, j - (places[new] + 1 if new >= 0 else 0))
            i -= n
            j -= n
            if j > i:
                for k in range(sizes.size):
                    size = sizes[k]
                    move_bytes(targets[k] + j * size, sources[k] + i * size, n * size)
    for b in range(places.size):
        for k in range(sizes.size):
            zero_bytes(targets[k] + places[b] * sizes[k], sizes[k])


@kernel
def settle(indptr, indices, signs, places, columns, born_signs, new_indptr):
    """Write columns and signs of the newborn, and the new row pointers."""
    for b in range(places.size):
        indices[places[b]] = columns[b]
        signs[places[b]] = born_signs[b]
    indptr[:] = new_indptr
