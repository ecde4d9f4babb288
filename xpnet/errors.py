"""The errors of xpnet's own, and its one warning.

Each is an :class:`XpnetError` and also the built-in exception that a caller would expect,
so that ``except ValueError`` keeps working. The same mistake raises the same error on every
backend.
"""

from __future__ import annotations

__all__ = [
    "BackendMismatchError",
    "BackendUnavailableError",
    "BackwardError",
    "DTypeError",
    "DatasetError",
    "GraphError",
    "LabelError",
    "NotWritableError",
    "PrecisionWarning",
    "SettingError",
    "ShapeError",
    "UnsupportedArrayError",
    "XpnetError",
]


class XpnetError(Exception):
    """Base of all errors raised by xpnet.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> try:
    ...     xpnet.ReLU().backward(np.ones(3))
    ... except xpnet.XpnetError as error:
    ...     print(error)
    ReLU: backward was called before forward; call forward first
    """


class BackendUnavailableError(XpnetError, ImportError):
    """An array library is not installed, or finds no device that it can use."""


class BackendMismatchError(XpnetError, TypeError):
    """Arrays that must live together belong to different libraries or devices."""


class UnsupportedArrayError(BackendMismatchError):
    """What looks like an array computes otherwise: a ``np.matrix``, a masked or sparse array.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> try:
    ...     xpnet.relu(np.ma.masked_less([-1.0, 2.0], 0))
    ... except xpnet.UnsupportedArrayError as error:
    ...     print(error)
    xpnet.relu: x is a MaskedArray, which computes otherwise than an array: its mask would be \
lost; fill what is masked with np.ma.filled(x, 0.0)
    """


class ShapeError(XpnetError, ValueError):
    """An array has a shape that the layer or op cannot take."""


class DTypeError(XpnetError, TypeError):
    """An array has a dtype that the layer or op cannot take."""


class SettingError(XpnetError, ValueError):
    """An optimizer is set to what cannot be: a number, what a schedule returns, a pattern."""


class LabelError(XpnetError, ValueError):
    """A label is not a class: out of range, negative, NaN, or a row that is no distribution."""


class NotWritableError(XpnetError, TypeError):
    """A result cannot be stored into the array that was given for it."""


class BackwardError(XpnetError, RuntimeError):
    """``backward`` has no forward to go back through."""


class GraphError(XpnetError, TypeError):
    """A recorded value is where no graph can record what becomes of it.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> try:
    ...     np.exp(xpnet.Variable(1.0))
    ... except xpnet.GraphError as error:
    ...     print(error)
    numpy.exp cannot record what it does with a Variable; use operators, methods of the Variable, \
ops of xpnet.ops, or a layer; its value alone is in data
    """


class DatasetError(XpnetError, OSError):
    """A data file is missing, damaged or cannot be fetched."""


class PrecisionWarning(UserWarning):
    """Where float32 meets float64, an op computes in float64: twice the memory, half the speed."""
