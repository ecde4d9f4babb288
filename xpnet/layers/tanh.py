"""The hyperbolic tangent: an op, its derivative, a kernel and the layer."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from xpnet._typing import Array, Namespace
from xpnet.kernels.arguments import are_alike, fit
from xpnet.kernels.tape import call
from xpnet.layers.activations import Activation
from xpnet.ops.op import op

__all__ = ["Tanh", "tanh"]

_Host: TypeAlias = np.ndarray[Any, Any]


@op({"x": (5, 4)}, {"x": ()}, out=True)
def tanh(xp: Namespace, x: Array) -> Array:
    """Return the hyperbolic tangent of ``x``, from -1 to 1.

    Parameters
    ----------
    x : array
        Of floats, any shape; infinities give -1 and 1, NaN gives NaN.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.tanh(np.asarray([-1000.0, 0.0, 1000.0]))
    array([-1.,  0.,  1.])
    """
    return xp.tanh(x)


@tanh.derivative
def tanh_backward(xp: Namespace, dout: Array, y: Array) -> Array:
    """Return the gradient of :func:`tanh`, ``dout * (1 - y**2)``.

    It is computed as ``dout * ((1 - y) * (1 + y))``, which loses no digits near -1 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import tanh_backward
    >>> tanh_backward(np.asarray([4.0]), np.asarray([0.5]))
    array([3.])
    """
    return dout * ((1 - y) * (1 + y))


class Tanh(Activation, op=tanh):
    """``y = tanh(x)``, entry by entry.

    Parameters
    ----------
    xp : str, module or Backend, optional
        Where inputs must come from; anywhere unless given.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> layer = xpnet.Tanh()
    >>> layer.forward(np.asarray([0.0]))
    array([0.])
    >>> layer.backward(np.asarray([4.0]))
    array([4.])
    """


@tanh.kernel("numpy", checks_itself=True)
def _tanh_in_place(x: Any, *, out: _Host | None = None) -> _Host | None:
    y = fit(out, x) if are_alike(x) else None
    if y is not None:
        call(np.tanh, x, y)
    return y
