"""The AddLayer layer."""

from __future__ import annotations

from xpnet._typing import Array, Number
from xpnet.arrays import detached
from xpnet.layers.layer import Layer
from xpnet.ops.arithmetic import add, add_backward

__all__ = ["AddLayer"]


class AddLayer(Layer):
    """``x + y`` of two inputs: arrays whose shapes broadcast, or Python numbers.

    Parameters
    ----------
    xp : str, module or Backend, optional
        Where arrays must come from; anywhere unless given.

    Examples
    --------
    >>> import xpnet
    >>> layer = xpnet.AddLayer()
    >>> layer.forward(200, 450)
    650
    >>> layer.backward(1.1)
    (1.1, 1.1)
    """

    def forward(self, x: Array | Number, y: Array | Number) -> Array | Number:  # type: ignore[override]
        """Return ``x + y``; see :func:`xpnet.ops.add`."""
        out = add(x, y)
        self._check_home(*(a for a in (x, y) if hasattr(a, "shape")))
        self._save(*(detached(a) if hasattr(a, "shape") else a for a in (x, y)))
        return out

    def backward(self, dout: Array | Number) -> tuple[Array | Number, Array | Number]:
        """Return ``dx`` and ``dy``; see :func:`xpnet.ops.add_backward`."""
        dx, dy = add_backward(dout, *self._saved())
        return dx, dy
