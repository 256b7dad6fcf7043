"""Comparisons of eight numbers at once, which a processor makes in one step and Numba's loops don't."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

WIDTH = 8
"""Numbers that are compared at once."""

_LONG, _BITS = ir.IntType(64), ir.IntType(WIDTH)
_EIGHT = ir.VectorType(_LONG, WIDTH)


@intrinsic
def outside(context: Any, array: Any, low: Any, high: Any, below: Any, above: Any) -> Any:
    """Return at which of eight places something is at or below `below` or at or above `above`: a bit for each (uint64).

    Args:
        context: Numba's.
        array: int64, contiguous.
        low: Where the eight numbers begin that are compared with `below`; nobody looks whether they are in the array.
        high: The same of those that are compared with `above`.
        below: int64.
        above: int64.
    """
    if (array.dtype, array.layout) != (types.int64, "C"):
        raise TypingError(f"contiguous int64 is expected, not {array}")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data

        def compared(comparison: str, place: Any, level: Any) -> Any:
            start = builder.bitcast(builder.gep(data, [place]), _EIGHT.as_pointer())
            numbers = builder.load(start, align=8)
            one = builder.insert_element(ir.Constant(_EIGHT, ir.Undefined), level, ir.Constant(ir.IntType(32), 0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
            return builder.icmp_signed(comparison, numbers, builder.shuffle_vector(one, one, zeros))

        _, low, high, below, above = arguments
        found = builder.or_(compared("<=", low, below), compared(">=", high, above))
        return builder.zext(builder.bitcast(found, _BITS), _LONG)

    return types.uint64(array, types.uint64, types.uint64, types.int64, types.int64), generate


@intrinsic
def lowest_bit(context: Any, bits: Any) -> Any:
    """Return the place of the lowest bit that is set (uint64); one is."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate
