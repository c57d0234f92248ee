"""What numba does not offer by itself.

Arrays at an address, arrays without an owner, prefetching, and vectors as wide as the machine's.
Each is an ordinary function with the same meaning in plain Python, so that kernels which use it
still run uncompiled.
"""

from __future__ import annotations

import ctypes

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

__all__ = [
    "LANES",
    "LANE_BITS",
    "add_to_lanes",
    "array_at",
    "bits_above",
    "borrowed",
    "lowest_bit",
    "prefer_wide_vectors",
    "prefetch",
]

LANE_BITS = 3
LANES = 1 << LANE_BITS  # side by side in a vector; 16 are slower where a tenth or fewer fire


def array_at(address, size, like):
    """Return the (size,) array of ``like``'s dtype that lies at ``address``; no copy, no owner.

    Kernels take the synapses of many projections this way, in whatever dtype each of them is
    stored, without a copy and without being compiled anew for every combination.
    """
    if size == 0:
        return like[:0]
    pointer = ctypes.cast(int(address), ctypes.POINTER(np.ctypeslib.as_ctypes_type(like.dtype)))
    return np.ctypeslib.as_array(pointer, (int(size),))


@intrinsic
def _pointer(typingctx, address):
    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), codegen


@overload(array_at)
def _array_at_compiled(address, size, like):
    dtype = like.dtype

    def compiled(address, size, like):
        return carray(_pointer(np.int64(address)), (size,), dtype)

    return compiled


def borrowed(group):
    """Return a NamedTuple of arrays as it is, its arrays without an owner to keep count of.

    Counting references of a hundred arrays, locked, costs more than the step of a small network.
    The caller's own reference keeps the arrays alive.
    """
    return group


@intrinsic
def _without_owners(typingctx, group):
    def codegen(context, builder, signature, args):
        value = args[0]
        for i, part in enumerate(signature.args[0].types):
            if isinstance(part, types.Array):
                make = context.make_array(part)
                array = make(context, builder, builder.extract_value(value, i))
                array.meminfo = cgutils.get_null_value(array.meminfo.type)
                array.parent = cgutils.get_null_value(array.parent.type)
                value = builder.insert_value(value, array._getvalue(), i)
        return value

    return group(group), codegen


@overload(borrowed)
def _borrowed_compiled(group):
    def compiled(group):
        return _without_owners(group)

    return compiled


def _splat(builder, wide, value):
    undefined = ir.Constant(wide, ir.Undefined)
    one = builder.insert_element(undefined, value, ir.IntType(32)(0))
    same = ir.Constant(ir.VectorType(ir.IntType(32), wide.count), [0] * wide.count)
    return builder.shuffle_vector(one, undefined, same)


def prefetch(array, index):
    """Ask for the cache line of ``array[index]``; the index may lie outside."""


@intrinsic
def _prefetch_line(typingctx, array, index):
    def codegen(context, builder, signature, args):
        part = signature.args[0]
        data = context.make_array(part)(context, builder, args[0]).data
        byte = ir.IntType(8).as_pointer()
        word = ir.IntType(32)
        line = builder.bitcast(builder.gep(data, [args[1]]), byte)
        signature = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [byte], signature)
        # to read, to be kept in all caches, data
        builder.call(ask, [line, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), codegen


@overload(prefetch, inline="always")
def _prefetch_compiled(array, index):
    def compiled(array, index):
        _prefetch_line(array, np.int64(index))

    return compiled


def add_to_lanes(array, begin, lanes, value):
    """Add ``value`` to those of ``array[begin : begin + LANES]`` whose bit in ``lanes`` is set.

    One vector instruction of the machine; a loop over the bits takes five times as long.
    """
    for lane in range(LANES):
        if int(lanes) >> lane & 1:
            array[begin + lane] += value


@intrinsic
def _add_to_lanes(typingctx, array, begin, lanes, value):
    def codegen(context, builder, signature, args):
        part = signature.args[0]
        data = context.make_array(part)(context, builder, args[0]).data
        element = context.get_value_type(part.dtype)
        wide = ir.VectorType(element, LANES)
        place = builder.bitcast(builder.gep(data, [args[1]]), wide.as_pointer())
        chosen = builder.bitcast(args[2], ir.VectorType(ir.IntType(1), LANES))
        all_ = _splat(builder, wide, args[3])
        align = part.dtype.bitwidth // 8
        before = builder.load(place, align=align)
        is_float = isinstance(part.dtype, types.Float)
        # nothing is added to the others: storing all of them is faster than storing some
        some = builder.select(chosen, all_, ir.Constant(wide, [0] * LANES))
        after = builder.fadd(before, some) if is_float else builder.add(before, some)
        builder.store(after, place, align=align)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.uint8, array.dtype), codegen


@overload(add_to_lanes, inline="always")
def _add_to_lanes_compiled(array, begin, lanes, value):
    def compiled(array, begin, lanes, value):
        _add_to_lanes(array, begin, lanes, value)

    return compiled


def bits_above(values, begin, threshold):
    """Return a uint64 whose bit ``k`` tells whether ``values[begin + k] > threshold``.

    ``threshold`` is one number, or an array like ``values``. All 64 values have to be there.
    """
    above = values[begin : begin + 64] > (
        threshold[begin : begin + 64] if isinstance(threshold, np.ndarray) else threshold
    )
    return np.packbits(above, bitorder="little").view(np.uint64)[0]


@intrinsic
def _bits_above(typingctx, values, begin, threshold):
    def codegen(context, builder, signature, args):
        part = signature.args[0]
        wide = ir.VectorType(context.get_value_type(part.dtype), 64)

        def load(kind, array):
            data = context.make_array(kind)(context, builder, array).data
            place = builder.bitcast(builder.gep(data, [args[1]]), wide.as_pointer())
            return builder.load(place, align=part.dtype.bitwidth // 8)

        if isinstance(signature.args[2], types.Array):
            limit = load(signature.args[2], args[2])
        else:
            limit = _splat(builder, wide, args[2])
        is_float = isinstance(part.dtype, types.Float)
        compare = builder.fcmp_ordered if is_float else builder.icmp_signed
        above = compare(">", load(part, args[0]), limit)
        return builder.bitcast(above, ir.IntType(64))

    return types.uint64(values, types.int64, threshold), codegen


@overload(bits_above, inline="always")
def _bits_above_compiled(values, begin, threshold):
    def compiled(values, begin, threshold):
        return _bits_above(values, np.int64(begin), threshold)

    return compiled


def lowest_bit(word):
    """Return the place of the lowest bit that is set in a uint64 other than 0."""
    return (int(word) & -int(word)).bit_length() - 1


@intrinsic
def _trailing_zeros(typingctx, word):
    def codegen(context, builder, signature, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), codegen


@overload(lowest_bit, inline="always")
def _lowest_bit_compiled(word):
    def compiled(word):
        return np.int64(_trailing_zeros(np.uint64(word)))

    return compiled


def prefer_wide_vectors():
    """Let the loops of the calling kernel use the widest vectors there are.

    LLVM keeps to 256 bits on Intel's AVX-512 machines unless told otherwise; the neuron update
    is a third faster with 512. The kernel stays a function of its own, as it would lose the mark
    inside another.
    """


@intrinsic
def _mark_wide(typingctx):
    def codegen(context, builder, signature, args):
        attributes = builder.function.attributes
        # llvmlite knows only plain attributes by name; it prints what the set holds
        if isinstance(attributes, set) and "alwaysinline" not in attributes:
            set.add(attributes, '"prefer-vector-width"="512"')
            set.add(attributes, "noinline")
        return context.get_dummy_value()

    return types.void(), codegen


@overload(prefer_wide_vectors, inline="always")
def _prefer_wide_vectors_compiled():
    def compiled():
        _mark_wide()

    return compiled
