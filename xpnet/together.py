"""What ops compute with: arrays of one width, in the machine's byte order, without a history."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

from xpnet._typing import Array, DType, Namespace
from xpnet.backends import adapter_of
from xpnet.checks import check_floats, namespace_of_alike, upstream_shape_text
from xpnet.dtypes import dtype_name, find_dtype
from xpnet.errors import PrecisionWarning, ShapeError
from xpnet.quiet import quiet

__all__ = ["as_dtype", "floats_together", "upstream_together"]

_HERE = str(Path(__file__).parent) + os.sep
_WIDE = "float64"


def floats_together(layer: str, **arrays: Array) -> tuple[Any, ...]:
    """Return the one namespace of floating arrays, and the arrays as an op computes with them.

    Where float32 meets float64, all become float64, as in the Array API standard, and a
    :class:`xpnet.PrecisionWarning` tells where it happens. An array of the other byte order
    becomes one of the machine's. Values are taken without the history that PyTorch keeps of
    them: its ``loss.backward()`` does not go through xpnet's ops, which have their own.

    Arrays that are so already, as nearly all are, are returned as they are.

    Parameters
    ----------
    layer : str
        Who asks, for the texts of errors.
    **arrays : array
        By the names that the caller knows them by.

    Returns
    -------
    xp, *arrays
        In the order of the arguments.

    Raises
    ------
    BackendMismatchError, UnsupportedArrayError, DTypeError
        As :func:`xpnet.checks.check_floats`.

    Examples
    --------
    >>> import numpy as np
    >>> xp, x, y = floats_together("Sum", x=np.ones(2), y=np.ones(2, dtype=">f8"))
    >>> xp.add(x, y)
    array([2., 2.])
    """
    xp = namespace_of_alike(*arrays.values())
    if xp is not None:
        return xp, *arrays.values()
    xp = check_floats(layer, **arrays)
    adapter = adapter_of(next(iter(arrays.values())))
    plain = [adapter.plain(array) for array in arrays.values()]
    if len({dtype_name(array.dtype) for array in plain}) > 1:
        _warn(layer, arrays)
        adapter.prepare(_WIDE)
        plain = [as_dtype(xp, array, _WIDE) for array in plain]
    return xp, *plain


def upstream_together(layer: str, dout: Array, **output: Array) -> tuple[Any, ...]:
    """Return the namespace, ``dout`` and what belongs to the output, as an op computes with them.

    Parameters
    ----------
    layer : str
        Who asks, for the texts of errors.
    dout : array
        The gradient that came from above.
    **output : array
        One array of the output's shape.

    Raises
    ------
    BackendMismatchError, UnsupportedArrayError, DTypeError
        As :func:`floats_together`.
    ShapeError
        If the shape of ``dout`` is not that of the output.
    """
    together = floats_together(layer, dout=dout, **output)
    (y,) = output.values()
    if dout.shape != y.shape:
        raise ShapeError(upstream_shape_text(layer, dout.shape, y.shape))
    return together


@quiet
def as_dtype(xp: Namespace, array: Array, dtype: DType) -> Array:
    """Return an array in a dtype of that name, in the byte order of the machine."""
    return xp.astype(array, find_dtype(xp, dtype), copy=False)


def _warn(layer: str, arrays: dict[str, Array]) -> None:
    """Warn at the line outside xpnet from which the op was called."""
    names = {dtype_name(array.dtype): name for name, array in reversed(arrays.items())}
    wide = names.pop(_WIDE)
    ((dtype, name),) = names.items()
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    text = (
        f"{layer}: {name} is {dtype}, but {wide} is {_WIDE}, and so it computes in {_WIDE}; make "
        f"all one with xpnet.asarray({name}, dtype={_WIDE!r}) or net.to(dtype={dtype!r})"
    )
    warnings.warn(text, PrecisionWarning, level)
