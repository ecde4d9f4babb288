"""Clipping gradients entry by entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from xpnet._typing import Array, Namespace
from xpnet.arrays import array_namespace, device_of
from xpnet.checks import check_not_negative
from xpnet.numerics.precision import rounded, widened
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.transforms.transform import Gradients, Transform, as_number

__all__ = ["clip_value"]


class clip_value(Transform):  # noqa: N801 - it is written as the function that it is
    """Bring each entry of the gradients to what is nearest between ``-limit`` and ``limit``.

    It is PyTorch's ``clip_grad_value_``. An infinite entry becomes the limit, NaN stays NaN.

    Parameters
    ----------
    limit : float or Schedule
        Finite and not negative.
    only : str or sequence of str, optional
        As in :class:`xpnet.optimizers.Transform`.

    Raises
    ------
    SettingError
        If ``limit`` or a pattern cannot be.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> grads = {"W": np.asarray([0.25, -3.0, np.inf])}
    >>> xpnet.clip_value(1.0)(grads, {"W": np.zeros(3)}, step=0)
    {'W': array([ 0.25, -1.  ,  1.  ])}
    """

    limit = Setting(check_not_negative)

    def __init__(self, limit: Any, *, only: str | Iterable[str] | None = None) -> None:
        super().__init__(only=only)
        self.limit = limit

    def transformed(
        self,
        grads: Gradients,
        params: Mapping[str, Array],
        step: Any,
        settings: Mapping[str, Any],
    ) -> Gradients:
        return {
            name: _clipped(array_namespace(grad), grad, settings["limit"])
            for name, grad in grads.items()
        }


def _clipped(xp: Namespace, grad: Array, limit: Any) -> Array:
    (wide,) = widened(xp, grad)
    high = xp.zeros((), dtype=wide.dtype, device=device_of(wide)) + as_number(xp, limit, wide)
    low = -high
    # Comparing with NaN is false, so that it stays.
    within = xp.where(wide > high, high, xp.where(wide < low, low, wide))
    return rounded(xp, within, like=grad)
