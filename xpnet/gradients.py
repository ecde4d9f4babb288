"""Gradients by finite differences: slow, simple, and independent of every backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from xpnet._typing import Array, Number
from xpnet.arrays import asarray, detached, to_numpy
from xpnet.backend import Backend
from xpnet.backends import adapter_of
from xpnet.checks import check_floats
from xpnet.dtypes import EPSILON, dtype_name
from xpnet.errors import DTypeError, ShapeError
from xpnet.quiet import quiet

__all__ = ["numerical_gradient"]

_Host: TypeAlias = np.ndarray[Any, Any]
_Index: TypeAlias = tuple[int, ...]


@quiet
def numerical_gradient(f: Callable[[Array], Array | Number], x: Array) -> Array:
    """Return the gradient of a scalar function by central differences.

    Parameters
    ----------
    f : callable
        Takes ``x`` and returns a number or an array of shape (). It is called twice for every
        entry, with that entry changed in place. Where arrays cannot be written to (JAX, or a
        read-only array), it gets a changed copy: there it must use its argument and not, as the
        book does, look at an outer ``x``.
    x : array
        Of floats, any shape. It is as before afterwards, even when ``f`` raises.

    Returns
    -------
    array
        The gradient, of the shape, dtype, library and device of ``x``. The step is the cube root
        of the dtype's spacing, times ``abs(x)`` where that is above 1, which leaves about ten
        right digits in float64 and four in float32, if the values of ``f`` are of the size of
        its changes.

    Raises
    ------
    DTypeError
        If ``x`` is not of floats, or ``f`` does not return a real number.
    ShapeError
        If ``f`` does not return a scalar.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.numerical_gradient(lambda x: np.sum(x**2), np.asarray([3.0, 4.0])).round(6)
    array([6., 8.])
    """
    check_floats("numerical_gradient", x=x)
    adapter = adapter_of(x)
    home = Backend(adapter.name, x.device, x.dtype, adapter)

    def as_x(values: _Host) -> Array:
        return asarray(values, xp=home, dtype=x.dtype)

    memory = adapter.detached(x)
    host = to_numpy(x).astype("float64")
    # This step balances the truncation of a central difference, h**2, against the rounding of f,
    # eps / h: Press et al., Numerical Recipes, section 5.7.
    h = EPSILON[dtype_name(x.dtype)] ** (1 / 3) * np.maximum(1, abs(host))
    # Rounded to the dtype first, because the true step is between the numbers that f gets.
    upper, lower = (to_numpy(as_x(host + sign * h)).astype("float64") for sign in (1, -1))
    writable = _is_writable(memory, host)

    def value_at(index: _Index, values: _Host) -> float:
        if not writable:
            changed = host.copy()
            changed[index] = values[index]
            return _scalar(f(as_x(changed)))
        try:
            memory[index] = float(values[index])
            return _scalar(f(x))
        finally:
            memory[index] = float(host[index])

    gradient = np.empty(host.shape)
    for index in np.ndindex(host.shape):
        rise = value_at(index, upper) - value_at(index, lower)
        gradient[index] = rise / (upper[index] - lower[index])
    return as_x(gradient)


def _is_writable(x: Array, host: _Host) -> bool:
    if host.size == 0:
        return False
    first = (0,) * host.ndim
    try:
        x[first] = float(host[first])
    except (TypeError, ValueError, RuntimeError):  # JAX, NumPy and torch refuse in their own ways
        return False
    return True


def _scalar(value: Array | Number) -> float:
    if getattr(value, "shape", ()) != ():
        shape = tuple(value.shape)  # type: ignore[union-attr]
        msg = f"numerical_gradient: f returned shape {shape}, not a scalar; take its sum or mean"
        raise ShapeError(msg)
    try:
        return float(detached(value) if hasattr(value, "dtype") else value)
    except (TypeError, RuntimeError) as error:  # torch's word for a complex number
        msg = f"numerical_gradient: f returned {value!r}, not a real scalar"
        raise DTypeError(msg) from error
