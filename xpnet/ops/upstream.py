"""The gradient that reaches a loss."""

from __future__ import annotations

from xpnet._typing import Array, Namespace, Number
from xpnet.checks import check_floats, upstream_shape_text
from xpnet.errors import ShapeError
from xpnet.ops.precision import widened

__all__ = ["share_of_mean"]


def share_of_mean(
    xp: Namespace, layer: str, dout: Array | Number, y: Array, terms: int | Array
) -> Array | Number:
    """Return the gradient that reaches each of the terms of a mean; all of it if there are none.

    Parameters
    ----------
    xp : namespace
        That of ``y``.
    layer : str
        Who asks, for the error's text.
    dout : array of shape (), or number
        The gradient of what follows with respect to the mean.
    y : array
        Of the dtype and home that ``dout`` must have.
    terms : int or array of shape ()
        How many there are, or what their weights add up to.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        If ``dout`` is neither a number nor an array of shape () like ``y``.
    """
    divisor = max(terms, 1) if isinstance(terms, int) else terms
    if isinstance(dout, int | float):
        return dout / divisor
    check_floats(layer, dout=dout, y=y)
    if dout.shape != ():
        raise ShapeError(upstream_shape_text(layer, dout.shape, ()))
    (wide_dout,) = widened(xp, dout)
    return wide_dout / divisor
