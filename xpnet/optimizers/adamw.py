"""AdamW."""

from __future__ import annotations

from xpnet.checks import check_not_negative
from xpnet.optimizers.adam import Adam
from xpnet.optimizers.groups import Groups
from xpnet.optimizers.optimizer import Rate
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.transforms.transform import Transforms

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

    transforms, groups
        As in :class:`Optimizer`.

    Raises
    ------
    SettingError
        If a setting is out of its range, or a transform or group cannot be.

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
        lr: Rate = 0.001,
        beta1: Rate = 0.9,
        beta2: Rate = 0.999,
        eps: Rate = 1e-8,
        weight_decay: Rate = 0.01,
        *,
        transforms: Transforms = (),
        groups: Groups | None = None,
    ) -> None:
        super().__init__(lr, beta1, beta2, eps, transforms=transforms, groups=groups)
        self.weight_decay = weight_decay
