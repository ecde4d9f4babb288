"""Instructions that numba does not offer, or not in a form that LLVM turns into vectors."""

# llvmlite's names are those of LLVM's instructions: https://llvm.org/docs/LangRef.html

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = [
    "LINE",
    "add_to_word",
    "call_address",
    "exp",
    "finish_streams",
    "larger",
    "load_word",
    "multiply_add",
    "read_once",
    "store_word",
    "stream_scaled",
]

# Bytes of a line of the cache.
LINE = 64


def _llvm(builder: Any, name: str, args: list[Any], fastmath: tuple[str, ...] = ()) -> Any:
    kind = args[0].type
    signature = ir.FunctionType(kind, [kind] * len(args))
    function = builder.module.declare_intrinsic(f"llvm.{name}", [kind], signature)
    return builder.call(function, args, fastmath=fastmath)


@intrinsic
def multiply_add(_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return ``a * b + c``, in one rounding where the processor can."""

    def generate(_context: Any, builder: Any, _signature: Any, args: list[Any]) -> Any:
        return _llvm(builder, "fmuladd", args)

    return a(a, a, a), generate


@intrinsic
def larger(_context: Any, a: Any, b: Any) -> Any:
    """Return the larger of two numbers; either one, if one is NaN."""

    def generate(_context: Any, builder: Any, _signature: Any, args: list[Any]) -> Any:
        # Without the flags it would take three instructions, and loops no vectors.
        return _llvm(builder, "maxnum", args, fastmath=("nnan", "nsz"))

    return a(a, a), generate


def _pointer(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, ir.IntType(64).as_pointer())


@intrinsic
def read_once(context: Any, array: Any, index: Any) -> Any:
    """Return an entry of a flat, contiguous and aligned array of integers.

    Another thread may write there meanwhile: what is checked must be what is used, so that the
    compiler may not read it anew.
    """

    def generate(context: Any, builder: Any, signature: Any, args: list[Any]) -> Any:
        data = context.make_array(array)(context, builder, args[0]).data
        pointer = builder.gep(data, [args[1]])
        return builder.load_atomic(pointer, ordering="monotonic", align=array.dtype.bitwidth // 8)

    return array.dtype(array, types.int64), generate


@intrinsic
def load_word(_context: Any, address: Any) -> Any:
    """Return the integer at an address, and see all that its writer wrote before."""

    def generate(_context: Any, builder: Any, _signature: Any, args: list[Any]) -> Any:
        return builder.load_atomic(_pointer(builder, args[0]), ordering="acquire", align=8)

    return types.int64(address), generate


@intrinsic
def store_word(_context: Any, address: Any, value: Any) -> Any:
    """Write an integer to an address, for other threads to see, after all written before."""

    def generate(context: Any, builder: Any, _signature: Any, args: list[Any]) -> Any:
        pointer = _pointer(builder, args[0])
        builder.store_atomic(args[1], pointer, ordering="release", align=8)
        return context.get_dummy_value()

    return types.void(address, types.int64), generate


@intrinsic
def add_to_word(_context: Any, address: Any, value: Any) -> Any:
    """Add to the integer at an address, in one step for all threads; return what it was."""

    def generate(_context: Any, builder: Any, _signature: Any, args: list[Any]) -> Any:
        return builder.atomic_rmw("add", _pointer(builder, args[0]), args[1], "acq_rel")

    return types.int64(address, types.int64), generate


@intrinsic
def call_address(_context: Any, address: Any, arguments: Any) -> Any:
    """Call a function of C that returns nothing; a tuple has its arguments, of their very types."""

    def generate(context: Any, builder: Any, _signature: Any, args: list[Any]) -> Any:
        values = [builder.extract_value(args[1], i) for i in range(len(arguments))]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in values])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), values)
        return context.get_dummy_value()

    return types.void(address, arguments), generate


@intrinsic
def stream_scaled(_context: Any, source: Any, factor: Any, target: Any) -> Any:
    """Write ``a * factor`` for each number ``a`` in a line of memory to another, past the caches.

    The second address is a multiple of :data:`LINE`.
    """

    def generate(context: Any, builder: Any, _signature: Any, args: list[Any]) -> Any:
        kind, size = args[1].type, factor.bitwidth // 8
        index = ir.IntType(32)
        line = ir.VectorType(kind, LINE // size)
        undefined, first = ir.Constant(line, ir.Undefined), ir.Constant(index, 0)
        numbers = builder.load(builder.inttoptr(args[0], line.as_pointer()), align=size)
        factors = builder.shuffle_vector(
            builder.insert_element(undefined, args[1], first),
            undefined,
            ir.Constant(ir.VectorType(index, line.count), [0] * line.count),
        )
        pointer = builder.inttoptr(args[2], line.as_pointer())
        store = builder.store(builder.fmul(numbers, factors), pointer, align=LINE)
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(index, 1)]))
        return context.get_dummy_value()

    return types.void(source, factor, target), generate


@intrinsic
def finish_streams(_context: Any) -> Any:
    """Let what was written past the caches be seen before what is written from now on."""

    def generate(context: Any, builder: Any, _signature: Any, _args: list[Any]) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


# 2**f = 1 + f * q(f) for |f| <= 1/2: the coefficients of q from the lowest, which minimise the
# largest relative error (Remez' algorithm in 40 digits): 2.2e-9 and 3.7e-18.
_POLYNOMIAL = {
    types.float32: (
        0.69314720158794149087,
        0.2402264791013502251,
        0.055503341103355339318,
        0.0096184412370195558343,
        0.0013398421423806780126,
        0.00015351812764053422931,
    ),
    types.float64: (
        0.69314718055994532407,
        0.2402265069591012819,
        0.055504108664820154925,
        0.0096181291075950892101,
        0.0013333558146765988496,
        0.00015403530456116866855,
        0.000015252733497086520377,
        1.3215435693476220835e-6,
        1.0178198966760469584e-7,
        7.0737241768356994501e-9,
        4.4347682312105969693e-10,
    ),
}
# log2(e) as a number of the dtype and the rest.
_LOG2E = {
    types.float32: (1.44269502162933349609375, 1.925963033500011079e-8),
    types.float64: (1.442695040888963387004650940070860087871551513671875, 2.0355273740931033e-17),
}
_MANTISSA = {types.float32: 23, types.float64: 52}
_BIAS = {types.float32: 127, types.float64: 1023}


@intrinsic
def exp(_context: Any, x: Any) -> Any:
    """Return ``e**x`` for ``x <= 0``, within 2 units in the last place; NaN for NaN.

    What would be below the smallest normal number is 0. With n the integer next to
    ``x * log2(e)`` and f the rest, it is ``2**n * 2**f``: a polynomial, and an exponent put in
    place by integer arithmetic. Nothing branches, so loops become vectors.
    """
    bits, bias = _MANTISSA[x], _BIAS[x]

    def generate(_context: Any, builder: Any, _signature: Any, args: list[Any]) -> Any:
        kind = args[0].type
        integer = ir.IntType(x.bitwidth)

        def number(value: float) -> Any:
            return ir.Constant(kind, value)

        def fma(a: Any, b: Any, c: Any) -> Any:
            return _llvm(builder, "fmuladd", [a, b, c])

        # Below, n would leave the range of exponents; NaN is not below.
        lowest = number(-0.6932 * bias)
        clamped = builder.select(builder.fcmp_ordered("<", args[0], lowest), lowest, args[0])
        # Added to so large a number, x * log2(e) loses its fraction: n stands in the last bits.
        high, low = map(number, _LOG2E[x])
        large = number(1.5 * 2**bits)
        shifted = fma(clamped, high, large)
        minus_n = builder.fsub(large, shifted)
        fraction = fma(clamped, low, fma(clamped, high, minus_n))

        value = number(_POLYNOMIAL[x][-1])
        for coefficient in (*reversed(_POLYNOMIAL[x][:-1]), 1.0):
            value = fma(value, fraction, number(coefficient))

        in_place = builder.shl(builder.bitcast(shifted, integer), ir.Constant(integer, bits))
        exponent = builder.add(in_place, ir.Constant(integer, bias << bits))
        return builder.fmul(value, builder.bitcast(exponent, kind))

    return x(x), generate
