"""Vectors of lanes for numba kernels: many samples side by side, a bit each for who spiked.

Lanes are an LLVM vector of floats that lives in registers: one lane per sample of a batch. A word
(uint16 or uint64) holds one bit per lane, so the width of a word says how many lanes belong to it.
numba has neither vectors nor masked operations; LLVM has both, and legalises them for whatever the
machine offers (AVX-512 masks, AVX2 blends, NEON). Arithmetic is IEEE and never fused or reordered,
except in `total`.

Operators ``+ - * /`` work between lanes and with scalars of the same dtype. Arrays that are loaded
from and stored to have the lanes as their last axis, contiguous; the other indices are checked
where numba checks them (``NUMBA_BOUNDSCHECK=1``).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel.models import PrimitiveModel
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

__all__ = [
    "above",
    "absolute",
    "add_where",
    "load",
    "spread",
    "store",
    "total",
    "where",
]

_INT32 = ir.IntType(32)


class LanesType(types.Type):  # type: ignore[misc]
    """numba's type of ``n`` lanes of a float dtype."""

    def __init__(self, dtype: types.Float, n: int) -> None:
        self.dtype, self.n = dtype, n
        super().__init__(name=f"Lanes({dtype}, {n})")


@register_model(LanesType)
class _LanesModel(PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: LanesType) -> None:
        number = manager.lookup(kind.dtype).get_value_type()
        super().__init__(manager, kind, ir.VectorType(number, kind.n))


# ---------------------------------------------------------------------- pieces of LLVM


def _splat(builder: Any, vector: ir.VectorType, number: Any) -> Any:
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(_INT32, 0))
    zeros = ir.Constant(ir.VectorType(_INT32, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, undefined, zeros)


def _mask(builder: Any, word: Any, n: int) -> Any:
    return builder.bitcast(word, ir.VectorType(ir.IntType(1), n))


def _address(context: Any, builder: Any, sig: Any, args: Any, vector: Any) -> tuple[Any, int]:
    """Return where the lanes of ``array[index]`` lie, and the alignment that is certain."""
    array_type, index_type = sig.args[0], sig.args[1]
    array = context.make_array(array_type)(context, builder, args[0])
    indices = [
        context.cast(builder, builder.extract_value(args[1], i), index_type[i], types.intp)
        for i in range(len(index_type))
    ]
    first_lane = context.get_constant(types.intp, 0)
    place = cgutils.get_item_pointer(
        context,
        builder,
        array_type,
        array,
        [*indices, first_lane],
        wraparound=False,
        boundscheck=context.enable_boundscheck,
    )
    return builder.bitcast(place, vector.as_pointer()), array_type.dtype.bitwidth // 8


def _index_fits(array: Any, index: Any) -> bool:
    return (
        isinstance(array, types.Array)
        and isinstance(index, types.BaseTuple)
        and array.ndim == len(index) + 1
    )


# ---------------------------------------------------------------------- memory and scalars


@intrinsic
def load(typingctx: Any, array: Any, index: Any, word: Any) -> Any:
    """Return the lanes at ``array[index]``, as many as ``word`` has bits."""
    if not _index_fits(array, index):
        return None
    kind = LanesType(array.dtype, word.bitwidth)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = context.get_value_type(kind)
        place, alignment = _address(context, builder, sig, args, vector)
        return builder.load(place, align=alignment)

    return kind(array, index, word), codegen


@intrinsic
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Write lanes to ``array[index]``."""
    if not _index_fits(array, index) or not isinstance(value, LanesType):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place, alignment = _address(context, builder, sig, args, args[2].type)
        builder.store(args[2], place, align=alignment)
        return context.get_dummy_value()

    return types.void(array, index, value), codegen


@intrinsic
def spread(typingctx: Any, number: Any, word: Any) -> Any:
    """Return lanes that all hold ``number``, as many as ``word`` has bits."""
    kind = LanesType(number, word.bitwidth)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, context.get_value_type(kind), args[0])

    return kind(number, word), codegen


@intrinsic
def total(typingctx: Any, lanes: Any) -> Any:
    """Return the sum of all lanes, added pairwise in a fixed order."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        (value,), n = args, sig.args[0].n
        while n > 1:
            n //= 2
            halves = [
                builder.shuffle_vector(
                    value, value, ir.Constant(ir.VectorType(_INT32, n), list(range(low, low + n)))
                )
                for low in (0, n)
            ]
            value = builder.fadd(*halves)
        return builder.extract_element(value, ir.Constant(_INT32, 0))

    return lanes.dtype(lanes), codegen


# ---------------------------------------------------------------------- bits


@intrinsic
def add_where(typingctx: Any, lanes: Any, word: Any, addend: Any) -> Any:
    """Add ``addend`` (lanes or a scalar) in the lanes whose bit is set; others stay as they are."""
    if word.bitwidth != lanes.n:
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value, bits, more = args
        if not isinstance(sig.args[2], LanesType):
            more = _splat(builder, value.type, more)
        return builder.select(_mask(builder, bits, lanes.n), builder.fadd(value, more), value)

    return lanes(lanes, word, addend), codegen


@intrinsic
def where(typingctx: Any, word: Any, lanes: Any, others: Any) -> Any:
    """Return ``lanes`` where the bit is set and ``others`` elsewhere."""
    if word.bitwidth != lanes.n:
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(_mask(builder, args[0], lanes.n), args[1], args[2])

    return lanes(word, lanes, others), codegen


@intrinsic
def above(typingctx: Any, lanes: Any, limit: Any) -> Any:
    """Return the word of lanes that are strictly above ``limit`` (lanes); NaN is not."""
    word = getattr(types, f"uint{lanes.n}")

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.bitcast(
            builder.fcmp_ordered(">", args[0], args[1]), ir.IntType(sig.args[0].n)
        )

    return word(lanes, limit), codegen


# ---------------------------------------------------------------------- arithmetic


@intrinsic
def absolute(typingctx: Any, lanes: Any) -> Any:
    """Return the absolute values."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = args[0].type
        name = f"llvm.fabs.v{vector.count}f{sig.args[0].dtype.bitwidth}"
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(vector, [vector]), name
        )
        return builder.call(function, args)

    return lanes(lanes), codegen


def _define(symbol: Callable[..., Any], instruction: str) -> None:
    @infer_global(symbol)
    class _Binary(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:
            for own, other in (args, args[::-1]):
                if isinstance(own, LanesType) and other in (own, own.dtype):
                    return signature(own, *args)
            return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = context.get_value_type(sig.return_type)
        operands = [
            arg if isinstance(kind, LanesType) else _splat(builder, vector, arg)
            for arg, kind in zip(args, sig.args, strict=True)
        ]
        return getattr(builder, instruction)(*operands)

    for kinds in ((LanesType, LanesType), (LanesType, types.Float), (types.Float, LanesType)):
        lower_builtin(symbol, *kinds)(lower)


for _symbol, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define(_symbol, _instruction)
