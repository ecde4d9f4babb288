"""AdamW."""

from __future__ import annotations

from xpnet.checks import check_not_negative
from xpnet.optimizers.adam import Adam
from xpnet.optimizers.setting import Setting

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam that shrinks each parameter by ``lr * weight_decay`` of itself, whatever its gradient.

    The formula and its source are in :func:`xpnet.ops.adam_update`.

    Parameters
    ----------
    lr, beta1, beta2, eps : float
        As in :class:`Adam`.
    weight_decay : float
        Finite and not negative.

    Raises
    ------
    ValueError
        If a setting is out of its range.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> optimizer = xpnet.AdamW(lr=0.5, weight_decay=0.5)
    >>> params = {"W": np.asarray([1.0])}
    >>> optimizer.update(params, {"W": np.asarray([0.0])})
    >>> params["W"]
    array([0.75])
    """

    weight_decay = Setting(check_not_negative)

    def __init__(
        self,
        lr: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(lr, beta1, beta2, eps)
        self.weight_decay = weight_decay
