"""The gradient that reaches a loss."""

from __future__ import annotations

from xpnet._typing import Array, Namespace, Number
from xpnet.checks import upstream_shape_text
from xpnet.errors import ShapeError
from xpnet.ops.precision import widened
from xpnet.together import floats_together

__all__ = ["with_share_of_mean"]


def with_share_of_mean(
    xp: Namespace, layer: str, dout: Array | Number, y: Array, terms: int | Array
) -> tuple[Array, Array | Number]:
    """Return ``y`` to compute with, and the gradient that reaches each of the terms of a mean.

    All of the gradient if there are none. Both are in a dtype in which sums may be held.

    Parameters
    ----------
    xp : namespace
        That of ``y``.
    layer : str
        Who asks, for the error's text.
    dout : array of shape (), or number
        The gradient of what follows with respect to the mean.
    y : array
        What the mean is of, where ``dout`` lives.
    terms : int or array of shape ()
        How many there are, or what their weights add up to.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        If ``dout`` is neither a number nor an array of shape () beside ``y``.
    """
    divisor = max(terms, 1) if isinstance(terms, int) else terms
    if isinstance(dout, int | float):
        (wide,) = widened(xp, y)
        return wide, dout / divisor
    _, dout, y = floats_together(layer, dout=dout, y=y)
    if dout.shape != ():
        raise ShapeError(upstream_shape_text(layer, dout.shape, ()))
    wide, wide_dout = widened(xp, y, dout)
    return wide, wide_dout / divisor
