"""Vectors of numbers that compiled code computes with, as one does with numbers.

The compiler vectorises few of the loops here by itself; so a vector is a type of its own, and LLVM makes of it what the
machine has. No operation is fused with another, `times_plus` excepted: every number is rounded as PyTorch rounds it.
"""

from collections.abc import Callable
from typing import Any

from randquant.extras import needs

with needs("fast"):
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic, models, register_model

WIDTH = 16  # numbers in a vector: more than any machine's registers hold, so that operations overlap
_ELEMENTS = {types.float32: ir.FloatType(), types.float64: ir.DoubleType(), types.boolean: ir.IntType(1)}
_BITS = {ir.FloatType(): "f32", ir.DoubleType(): "f64"}
_Code = Callable[[Any, Any, Any, Any], Any]


def _operation(typed: Any) -> Any:
    """What compiled code calls by this name, without its first argument: its type, and how it is put into code."""
    return intrinsic(typed)


class Lanes(types.Type):
    """`WIDTH` numbers, or truths, of one type."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Lanes({dtype})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, ir.VectorType(_ELEMENTS[lanes.dtype], WIDTH))


_TRUTHS = Lanes(types.boolean)


@_operation
def address(context: Any, array: Any) -> tuple[Any, _Code]:
    """Where a 1-D array begins, without a hold on it: the array must outlive what is read there. Indexed as it is."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, arguments[0]).data

    return types.CPointer(array.dtype)(array), code


@_operation
def ahead(context: Any, place: Any, count: Any) -> tuple[Any, _Code]:
    """The address so many entries further on."""
    return place(place, types.intp), lambda context, builder, signature, arguments: builder.gep(
        arguments[0], [arguments[1]]
    )


@_operation
def load(context: Any, place: Any, first: Any) -> tuple[Any, _Code]:
    """`WIDTH` numbers from entry `first` of an address on."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_vector_at(builder, *arguments), align=_bytes(place))

    return Lanes(place.dtype)(place, types.intp), code


@_operation
def load_truths(context: Any, place: Any, first: Any) -> tuple[Any, _Code]:
    """`WIDTH` bytes, true where they are not 0."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        found = builder.load(_vector_at(builder, *arguments), align=1)
        return builder.icmp_unsigned("!=", found, ir.Constant(found.type, None))

    return _TRUTHS(place, types.intp), code


@_operation
def bytes_equal(context: Any, place: Any, first: Any, number: Any) -> tuple[Any, _Code]:
    """`WIDTH` bytes from entry `first` on, true where they are this number."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        found = builder.load(_vector_at(builder, *arguments[:2]), align=1)
        wanted = builder.trunc(arguments[2], ir.IntType(8))
        return builder.icmp_unsigned("==", found, _everywhere(builder, wanted))

    return _TRUTHS(place, types.intp, types.intp), code


@_operation
def store_bytes(context: Any, place: Any, first: Any, lanes: Any) -> tuple[Any, _Code]:
    """Numbers from 0 to 255 as bytes."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = builder.fptosi(arguments[2], ir.VectorType(ir.IntType(32), WIDTH))
        bytes_ = builder.trunc(wide, ir.VectorType(ir.IntType(8), WIDTH))
        builder.store(bytes_, _vector_at(builder, *arguments[:2]), align=1)
        return context.get_dummy_value()

    return types.none(place, types.intp, lanes), code


@_operation
def store(context: Any, place: Any, first: Any, lanes: Any) -> tuple[Any, _Code]:
    """The reverse, for numbers."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _vector_at(builder, *arguments[:2]), align=_bytes(place))
        return context.get_dummy_value()

    return types.none(place, types.intp, lanes), code


@_operation
def spread(context: Any, number: Any) -> tuple[Any, _Code]:
    """One number in every lane."""

    return Lanes(number)(number), lambda context, builder, signature, arguments: _everywhere(builder, *arguments)


@_operation
def like(context: Any, lanes: Any, number: Any) -> tuple[Any, _Code]:
    """One number in every lane, in the type of other lanes, which holds it exactly."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        exact = context.cast(builder, arguments[1], types.float64, lanes.dtype)
        return _everywhere(builder, exact)

    return lanes(lanes, types.float64), code


@_operation
def spread_from(context: Any, place: Any, number: Any) -> tuple[Any, _Code]:
    """Entry `number` of an address in every lane."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _everywhere(builder, builder.load(builder.gep(arguments[0], [arguments[1]])))

    return Lanes(place.dtype)(place, types.intp), code


@_operation
def plus(context: Any, a: Any, b: Any) -> tuple[Any, _Code]:
    """a + b."""
    return a(a, b), lambda context, builder, signature, arguments: builder.fadd(*arguments)


@_operation
def minus(context: Any, a: Any, b: Any) -> tuple[Any, _Code]:
    """a - b."""
    return a(a, b), lambda context, builder, signature, arguments: builder.fsub(*arguments)


@_operation
def times(context: Any, a: Any, b: Any) -> tuple[Any, _Code]:
    """a * b."""
    return a(a, b), lambda context, builder, signature, arguments: builder.fmul(*arguments)


@_operation
def times_plus(context: Any, a: Any, b: Any, c: Any) -> tuple[Any, _Code]:
    """a * b + c, rounded once."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = arguments[0].type
        name = f"llvm.fma.v{WIDTH}{_BITS[kind.element]}"
        return builder.call(builder.module.declare_intrinsic(name, (), ir.FunctionType(kind, [kind] * 3)), arguments)

    return a(a, b, c), code


@_operation
def in_double(context: Any, lanes: Any) -> tuple[Any, _Code]:
    """Numbers of single precision in double precision."""
    wide = ir.VectorType(ir.DoubleType(), WIDTH)
    return Lanes(types.float64)(lanes), lambda context, builder, signature, arguments: builder.fpext(arguments[0], wide)


@_operation
def below(context: Any, a: Any, b: Any) -> tuple[Any, _Code]:
    """a < b, false for NaN."""
    return _TRUTHS(a, b), lambda context, builder, signature, arguments: builder.fcmp_ordered("<", *arguments)


@_operation
def reaches(context: Any, a: Any, b: Any) -> tuple[Any, _Code]:
    """a >= b, false for NaN."""
    return _TRUTHS(a, b), lambda context, builder, signature, arguments: builder.fcmp_ordered(">=", *arguments)


@_operation
def differ(context: Any, a: Any, b: Any) -> tuple[Any, _Code]:
    """a != b, true for NaN."""
    return _TRUTHS(a, b), lambda context, builder, signature, arguments: builder.fcmp_unordered("!=", *arguments)


@_operation
def either(context: Any, a: Any, b: Any) -> tuple[Any, _Code]:
    """Of truths."""
    return a(a, b), lambda context, builder, signature, arguments: builder.or_(*arguments)


@_operation
def both(context: Any, a: Any, b: Any) -> tuple[Any, _Code]:
    """Of truths."""
    return a(a, b), lambda context, builder, signature, arguments: builder.and_(*arguments)


@_operation
def bits(context: Any, truths: Any) -> tuple[Any, _Code]:
    """Truths as a whole number: that of the first lane is the lowest bit."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.bitcast(arguments[0], ir.IntType(WIDTH)), ir.IntType(64))

    return types.int64(truths), code


@_operation
def lowest_bit(context: Any, number: Any) -> tuple[Any, _Code]:
    """The place of the lowest bit that is set, of a number other than 0."""
    return types.int64(types.int64), lambda context, builder, signature, arguments: builder.cttz(
        arguments[0], ir.Constant(ir.IntType(1), 1)
    )


@_operation
def where(context: Any, truth: Any, a: Any, b: Any) -> tuple[Any, _Code]:
    """a where it is true, else b."""
    return a(truth, a, b), lambda context, builder, signature, arguments: builder.select(*arguments)


@_operation
def least(context: Any, a: Any, b: Any) -> tuple[Any, _Code]:
    """The smaller of each two, b where a is NaN."""
    return a(a, b), lambda context, builder, signature, arguments: _chosen(builder, "<", *arguments)


@_operation
def most(context: Any, a: Any, b: Any) -> tuple[Any, _Code]:
    """The larger of each two, b where a is NaN."""
    return a(a, b), lambda context, builder, signature, arguments: _chosen(builder, ">", *arguments)


@_operation
def smaller(context: Any, a: Any, b: Any) -> tuple[Any, _Code]:
    """The smaller of each two, none of which is NaN; unlike `least` it is never made a masked store, which is slow."""
    return a(a, b), lambda context, builder, signature, arguments: _called(builder, "minnum", *arguments)


@_operation
def larger(context: Any, a: Any, b: Any) -> tuple[Any, _Code]:
    """The larger of each two, none of which is NaN."""
    return a(a, b), lambda context, builder, signature, arguments: _called(builder, "maxnum", *arguments)


@_operation
def least_of(context: Any, lanes: Any) -> tuple[Any, _Code]:
    """The smallest lane, none of which is NaN."""
    return lanes.dtype(lanes), lambda context, builder, signature, arguments: _folded(
        arguments[0], builder, lambda a, b: _chosen(builder, "<", a, b)
    )


@_operation
def most_of(context: Any, lanes: Any) -> tuple[Any, _Code]:
    """The largest lane, none of which is NaN."""
    return lanes.dtype(lanes), lambda context, builder, signature, arguments: _folded(
        arguments[0], builder, lambda a, b: _chosen(builder, ">", a, b)
    )


@_operation
def sum_of(context: Any, lanes: Any) -> tuple[Any, _Code]:
    """The sum of all lanes, by halves."""
    return lanes.dtype(lanes), lambda context, builder, signature, arguments: _folded(
        arguments[0], builder, builder.fadd
    )


def _vector_at(builder: Any, place: Any, first: Any) -> Any:
    vector = ir.VectorType(place.type.pointee, WIDTH)
    return builder.bitcast(builder.gep(place, [first]), vector.as_pointer())


def _bytes(place: Any) -> int:
    """Of an entry; a vector need not be aligned any better."""
    return place.dtype.bitwidth // 8


def _everywhere(builder: Any, number: Any) -> Any:
    empty = ir.Constant(ir.VectorType(number.type, WIDTH), ir.Undefined)
    return builder.shuffle_vector(builder.insert_element(empty, number, _number(0)), empty, _numbers([0] * WIDTH))


def _chosen(builder: Any, sign: str, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(sign, a, b), a, b)


def _called(builder: Any, name: str, a: Any, b: Any) -> Any:
    """An operation of LLVM on numbers that are not NaN."""
    kind = ir.FunctionType(a.type, [a.type, a.type])
    operation = builder.module.declare_intrinsic(f"llvm.{name}.v{WIDTH}{_BITS[a.type.element]}", (), kind)
    return builder.call(operation, (a, b), fastmath=("nnan", "nsz"))


def _folded(lanes: Any, builder: Any, joined: Callable[[Any, Any], Any]) -> Any:
    """One number of all lanes: half and half, again and again."""
    half = WIDTH // 2
    while half:
        empty = ir.Constant(lanes.type, ir.Undefined)
        parts = [builder.shuffle_vector(lanes, empty, _numbers(range(at, at + half))) for at in (0, half)]
        lanes, half = joined(*parts), half // 2
    return builder.extract_element(lanes, _number(0))


def _number(value: int) -> Any:
    return ir.Constant(ir.IntType(32), value)


def _numbers(values: Any) -> Any:
    found = list(values)
    return ir.Constant(ir.VectorType(ir.IntType(32), len(found)), found)
