"""Parts of arrays, other shapes and orders, arrays side by side; and their derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from operator import index as as_index
from typing import Any

from xpnet._typing import Array, Namespace
from xpnet.checks import upstream_shape_text
from xpnet.errors import ShapeError
from xpnet.numerics.precision import rounded
from xpnet.ops.recordable import recordable
from xpnet.together import floats_together

__all__ = [
    "concat",
    "concat_backward",
    "getitem",
    "getitem_backward",
    "reshape",
    "reshape_backward",
    "stack",
    "stack_backward",
    "transpose",
    "transpose_backward",
]


def reshape_backward(dout: Array, x: Array, shape: int | tuple[int, ...]) -> Array:
    """Return the gradient of :func:`reshape`: ``dout`` in the shape of ``x``.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`reshape`, or if ``dout`` does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> reshape_backward(np.ones(6), np.ones((2, 3)), -1).shape
    (2, 3)
    """
    xp, dout, _ = floats_together("reshape", dout=dout, x=x)
    _check_upstream("reshape", dout, _full_shape(x, shape))
    return rounded(xp, xp.reshape(dout, tuple(x.shape)), like=x)


@recordable("x", backward=reshape_backward)
def reshape(x: Array, shape: int | tuple[int, ...]) -> Array:
    """Return the entries of ``x`` in another shape.

    Parameters
    ----------
    x : array
        Of floats.
    shape : int or tuple of int
        One may be -1: what is left.

    Raises
    ------
    ShapeError
        If the entries do not go into the shape.
    DTypeError, BackendMismatchError
        If ``x`` is no array of floats.

    Examples
    --------
    >>> import numpy as np
    >>> reshape(np.ones((2, 6)), (3, -1)).shape
    (3, 4)
    """
    xp, x = floats_together("reshape", x=x)
    return xp.reshape(x, _full_shape(x, shape))


def _full_shape(x: Array, shape: int | tuple[int, ...]) -> tuple[int, ...]:
    try:
        lengths = [as_index(n) for n in (shape if isinstance(shape, tuple | list) else (shape,))]
    except TypeError:
        msg = f"reshape: shape is {shape!r}; it must be an integer or a tuple of integers"
        raise TypeError(msg) from None
    size, known = prod(x.shape), prod(n for n in lengths if n != -1)
    if lengths.count(-1) == 1 and known > 0:
        lengths[lengths.index(-1)] = size // known
    if min(lengths, default=0) < 0 or prod(lengths) != size:
        msg = f"reshape: x of shape {tuple(x.shape)} has {size} entries; shape {shape} has not"
        raise ShapeError(msg)
    return tuple(lengths)


def transpose_backward(dout: Array, x: Array, axes: tuple[int, ...] | None = None) -> Array:
    """Return the gradient of :func:`transpose`: ``dout`` with its axes in the order of ``x``.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`transpose`, or if ``dout`` does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> transpose_backward(np.ones((3, 2)), np.ones((2, 3))).shape
    (2, 3)
    """
    xp, dout, _ = floats_together("transpose", dout=dout, x=x)
    order = _order(x, axes)
    _check_upstream("transpose", dout, tuple(x.shape[i] for i in order))
    back = sorted(range(len(order)), key=order.__getitem__)
    return rounded(xp, xp.permute_dims(dout, tuple(back)), like=x)


@recordable("x", backward=transpose_backward)
def transpose(x: Array, axes: tuple[int, ...] | None = None) -> Array:
    """Return ``x`` with its axes in another order.

    Parameters
    ----------
    x : array
        Of floats.
    axes : tuple of int, optional
        Which axis of ``x`` comes first, and so on; the reverse order unless given.

    Raises
    ------
    ShapeError
        If these are not all axes, each once.
    DTypeError, BackendMismatchError
        If ``x`` is no array of floats.

    Examples
    --------
    >>> import numpy as np
    >>> transpose(np.ones((2, 3, 4)), (1, 0, 2)).shape
    (3, 2, 4)
    """
    xp, x = floats_together("transpose", x=x)
    return xp.permute_dims(x, _order(x, axes))


def _order(x: Array, axes: tuple[int, ...] | None) -> tuple[int, ...]:
    rank = x.ndim
    if axes is None:
        return tuple(reversed(range(rank)))
    try:
        order = [as_index(i) for i in axes]
    except TypeError:
        msg = f"transpose: axes is {axes!r}; it must be a tuple of integers"
        raise TypeError(msg) from None
    counted = [i + rank if i < 0 else i for i in order]
    if sorted(counted) != list(range(rank)):
        msg = f"transpose: axes {tuple(order)} are not all axes of x of shape {tuple(x.shape)}"
        raise ShapeError(msg)
    return tuple(counted)


def getitem_backward(dout: Array, x: Array, index: Any) -> Array:
    """Return the gradient of :func:`getitem`: ``dout`` at its place among zeros.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        If ``dout`` does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> getitem_backward(np.asarray(5.0), np.ones(3), -1)
    array([0., 0., 5.])
    """
    xp, dout, wide = floats_together("getitem", dout=dout, x=x)
    _check_upstream("getitem", dout, tuple(getitem(wide, index).shape))
    index, flipped, inserted = _taken(x, index)
    for axis in reversed(inserted):
        dout = xp.squeeze(dout, axis=axis)
    if flipped:
        dout = xp.flip(dout, axis=flipped)
    dx = xp.zeros_like(wide)
    if hasattr(dx, "at"):  # arrays of JAX are not written to
        dx = dx.at[index].set(dout)
    else:
        dx[index] = dout
    return rounded(xp, dx, like=x)


@recordable("x", backward=getitem_backward)
def getitem(x: Array, index: Any) -> Array:
    """Return ``x[index]``: a part of an array by integers, slices, ``...`` and None.

    Parameters
    ----------
    x : array
        Of floats.
    index : int, slice, ellipsis, None or tuple of them
        With steps of either sign; no arrays.

    Raises
    ------
    IndexError
        If an integer is out of range, or there are more indices than axes.
    TypeError
        If the index is something else.
    DTypeError, BackendMismatchError
        If ``x`` is no array of floats.

    Examples
    --------
    >>> import numpy as np
    >>> getitem(np.asarray([1.0, 2.0, 3.0]), slice(None, None, -2))
    array([3., 1.])
    """
    xp, x = floats_together("getitem", x=x)
    index, flipped, inserted = _taken(x, index)
    part = xp.asarray(x[index])
    if flipped:
        part = xp.flip(part, axis=flipped)
    for axis in inserted:
        part = xp.expand_dims(part, axis=axis)
    return part


def _taken(x: Array, index: Any) -> tuple[tuple[Any, ...], tuple[int, ...], list[int]]:
    """Return an index for each axis with steps forward alone, axes to flip, and those to insert.

    Libraries do not agree on steps back, nor on fewer indices than axes.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    dots = [i for i, part in enumerate(parts) if part is Ellipsis]
    count = len(parts) - len(dots) - sum(part is None for part in parts)
    if len(dots) > 1 or count > x.ndim:
        msg = f"getitem: {count} indices are too many for x of shape {tuple(x.shape)}"
        if len(dots) > 1:
            msg = "getitem: an index can have one ellipsis (...) only"
        raise IndexError(msg)
    place = dots[0] if dots else len(parts)
    parts[place : place + len(dots)] = [slice(None)] * (x.ndim - count)
    taken: list[Any] = []
    flipped: list[int] = []
    inserted: list[int] = []
    axis = kept = 0  # of x, and of the result without the inserted ones
    for part in parts:
        if part is None:
            inserted.append(kept + len(inserted))
            continue
        taken.append(_of_axis(x, axis, part))
        if isinstance(part, slice):
            if part.step is not None and part.step < 0:
                flipped.append(kept)
            kept += 1
        axis += 1
    return tuple(taken), tuple(flipped), inserted


def _of_axis(x: Array, axis: int, part: Any) -> int | slice:
    """Return an index along an axis: an integer from 0 on, or a slice with a step forward."""
    length = x.shape[axis]
    if isinstance(part, slice):
        places = range(*part.indices(length))
        if not places:
            return slice(0, 0)
        first, last = min(places[0], places[-1]), max(places[0], places[-1])
        return slice(first, last + 1, abs(places.step))
    try:
        if isinstance(part, bool):
            raise TypeError
        place: int = as_index(part)
    except TypeError:
        found = "an array" if hasattr(part, "shape") else repr(part)
        msg = f"getitem: an index is {found}; it must be an integer, a slice, ... or None"
        raise TypeError(msg) from None
    if not -length <= place < length:
        msg = f"getitem: index {place} is out of range for axis {axis} of x of shape {x.shape}"
        raise IndexError(msg.replace(str(x.shape), str(tuple(x.shape))))
    return int(place % length)


def concat_backward(dout: Array, arrays: Sequence[Array], axis: int = 0) -> tuple[Array, ...]:
    """Return the gradients of :func:`concat`: the parts of ``dout``, one for each array.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`concat`, or if ``dout`` does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> concat_backward(np.asarray([1.0, 2.0, 3.0]), [np.zeros(1), np.zeros(2)])
    (array([1.]), array([2., 3.]))
    """
    xp, wide, axis, _ = _side_by_side("concat", arrays, axis)
    _, dout, _ = floats_together("concat", dout=dout, x=wide[0])
    lengths = [array.shape[axis] for array in arrays]
    before, after = arrays[0].shape[:axis], arrays[0].shape[axis + 1 :]
    _check_upstream("concat", dout, (*before, sum(lengths), *after))
    parts, start = [], 0
    for array, length in zip(arrays, lengths, strict=True):
        part = dout[(slice(None),) * axis + (slice(start, start + length), ...)]
        parts.append(rounded(xp, part, like=array))
        start += length
    return tuple(parts)


@recordable("arrays", backward=concat_backward)
def concat(arrays: Sequence[Array], axis: int = 0) -> Array:
    """Return arrays one behind the other along an axis that they have.

    Parameters
    ----------
    arrays : sequence of arrays
        Of floats, of one library and device, and of one shape but for that axis.
    axis : int
        Along which they are joined.

    Raises
    ------
    ShapeError
        If the shapes do not fit, there is no such axis, or no array.
    DTypeError, BackendMismatchError
        If they are no arrays of floats that belong together.

    Examples
    --------
    >>> import numpy as np
    >>> concat([np.zeros((2, 1)), np.ones((2, 2))], axis=1)
    array([[0., 1., 1.],
           [0., 1., 1.]])
    """
    xp, wide, axis, _ = _side_by_side("concat", arrays, axis)
    return xp.concat(wide, axis=axis)


def stack_backward(dout: Array, arrays: Sequence[Array], axis: int = 0) -> tuple[Array, ...]:
    """Return the gradients of :func:`stack`: ``dout`` at each place of the new axis.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`stack`, or if ``dout`` does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> stack_backward(np.asarray([[1.0], [2.0]]), [np.zeros(1), np.zeros(1)])
    (array([1.]), array([2.]))
    """
    xp, wide, axis, shape = _side_by_side("stack", arrays, axis)
    _, dout, _ = floats_together("stack", dout=dout, x=wide[0])
    _check_upstream("stack", dout, (*shape[:axis], len(arrays), *shape[axis:]))
    lead = (slice(None),) * axis
    parts = (dout[(*lead, place, ...)] for place in range(len(arrays)))
    return tuple(
        rounded(xp, xp.asarray(part), like=array) for part, array in zip(parts, arrays, strict=True)
    )


@recordable("arrays", backward=stack_backward)
def stack(arrays: Sequence[Array], axis: int = 0) -> Array:
    """Return arrays one behind the other along a new axis.

    Parameters and errors are those of :func:`concat`; all shapes are equal.

    Examples
    --------
    >>> import numpy as np
    >>> stack([np.zeros(2), np.ones(2)], axis=1)
    array([[0., 1.],
           [0., 1.]])
    """
    xp, wide, axis, _ = _side_by_side("stack", arrays, axis)
    return xp.stack(wide, axis=axis)


def _side_by_side(
    op: str, arrays: Sequence[Array], axis: int
) -> tuple[Namespace, list[Array], int, tuple[int, ...]]:
    """Return the namespace, the arrays to join, the axis from the first on, and their shape."""
    if not isinstance(arrays, list | tuple) or not arrays:
        found = "one array" if hasattr(arrays, "shape") else repr(arrays)
        msg = f"{op}: arrays is {found}; it must be a list or tuple of arrays, such as [x, y]"
        raise ShapeError(msg)
    named = {f"array {number}": array for number, array in enumerate(arrays)}
    xp, *wide = floats_together(op, **named)
    first, rank = tuple(arrays[0].shape), arrays[0].ndim + (op == "stack")
    try:
        place = as_index(axis)
    except TypeError:
        msg = f"{op}: axis is {axis!r}; it must be an integer"
        raise TypeError(msg) from None
    if not -rank <= place < rank:
        msg = f"{op}: axis {place} is out of range for arrays of shape {first}"
        raise ShapeError(msg)
    place %= rank
    for name, array in named.items():
        shape = tuple(array.shape)
        alike = shape == first
        if op == "concat" and len(shape) == len(first):
            alike = shape[:place] + shape[place + 1 :] == first[:place] + first[place + 1 :]
        if not alike:
            msg = f"{op}: array 0 has shape {first}, but {name} has shape {shape}; they do not fit"
            raise ShapeError(msg)
    return xp, wide, place, first


def _check_upstream(op: str, dout: Array, expected: tuple[int, ...]) -> None:
    if tuple(dout.shape) != expected:
        raise ShapeError(upstream_shape_text(op, tuple(dout.shape), expected))
