"""Clipping gradients by their norm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from xpnet._typing import Array, Namespace
from xpnet.arrays import array_namespace
from xpnet.checks import check_not_negative, check_same_home
from xpnet.numerics.precision import rounded, widened
from xpnet.numerics.sums import total
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.transforms.transform import Gradients, Transform, as_number

__all__ = ["clip_norm"]

# Keeps a divisor from 0. PyTorch's.
_EPS = 1e-6


class clip_norm(Transform):  # noqa: N801 - it is written as the function that it is
    """Shorten the gradients, taken together as one vector, to a largest norm.

    With the norm ``n``, the root of the sum of the squares of all entries of all gradients, each
    gradient becomes ``grad * min(1, max_norm / (n + 1e-6))``: R. Pascanu, T. Mikolov and Y. Bengio,
    "On the difficulty of training recurrent neural networks", https://arxiv.org/abs/1211.5063,
    algorithm 1, and PyTorch's ``clip_grad_norm_``. As there, one NaN makes all entries NaN; one
    infinite entry becomes NaN, and all finite ones 0. Squares do not overflow, and those of 16-bit
    gradients are added in float32. The norm stays on the device: nothing waits for it.

    Parameters
    ----------
    max_norm : float or Schedule
        Finite and not negative.
    only : str or sequence of str, optional
        As in :class:`xpnet.optimizers.Transform`: those alone are shortened, and are in the norm.

    Raises
    ------
    SettingError
        If ``max_norm`` or a pattern cannot be.
    BackendMismatchError
        In an update, if the gradients do not live together.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> grads = {"W": np.asarray([3.0, 0.0]), "b": np.asarray([4.0])}
    >>> optimizer = xpnet.SGD(lr=1.0, transforms=[xpnet.clip_norm(0.5)])
    >>> params = {"W": np.zeros(2), "b": np.zeros(1)}
    >>> optimizer.update(params, grads)
    >>> params["W"].round(6) + 0, params["b"].round(6)
    (array([-0.3,  0. ]), array([-0.4]))
    """

    max_norm = Setting(check_not_negative)

    def __init__(self, max_norm: Any, *, only: str | Iterable[str] | None = None) -> None:
        super().__init__(only=only)
        self.max_norm = max_norm

    def transformed(
        self,
        grads: Gradients,
        params: Mapping[str, Array],
        step: Any,
        settings: Mapping[str, Any],
    ) -> Gradients:
        norms = _norms(type(self).__name__, grads)
        if not norms:
            return grads
        xp = array_namespace(norms[0])
        norm = _norm(xp, xp.stack(norms))
        share = as_number(xp, settings["max_norm"], norm) / (norm + _EPS)
        share = xp.where(share > 1, xp.ones_like(share), share)  # which leaves NaN as it is
        return {name: _times(xp, grad, share) for name, grad in grads.items()}


def _norms(who: str, grads: Gradients) -> list[Array]:
    """Return the norms of all gradients that have entries, in the widest dtype among them."""
    if not grads:
        return []
    xp = check_same_home(who, **{f"grads[{name!r}]": grad for name, grad in grads.items()})
    wide = [widened(xp, grad)[0] for grad in grads.values() if 0 not in grad.shape]
    norms = [_norm(xp, grad) for grad in wide]
    if len({str(norm.dtype) for norm in norms}) > 1:
        norms = [xp.astype(norm, xp.float64) for norm in norms]
    return norms


def _norm(xp: Namespace, x: Array) -> Array:
    """Return the root of the sum of squares, which are those of shares of the largest entry."""
    largest = xp.max(xp.abs(x))
    is_unit = (largest > 0) & xp.isfinite(largest)
    unit = xp.where(is_unit, largest, xp.ones_like(largest))
    shares = x / unit
    return unit * xp.sqrt(total(xp, shares * shares))


def _times(xp: Namespace, grad: Array, share: Array) -> Array:
    (wide,) = widened(xp, grad)
    return rounded(xp, wide * xp.astype(share, wide.dtype), like=grad)
