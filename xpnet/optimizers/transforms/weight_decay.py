"""Weight decay as the gradient of a penalty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from xpnet._typing import Array
from xpnet.checks import check_not_negative
from xpnet.numerics.precision import rounded, widened
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.transforms.transform import Gradients, Transform, as_number
from xpnet.together import floats_together

__all__ = ["weight_decay"]


class weight_decay(Transform):  # noqa: N801 - it is written as the function that it is
    """Add ``rate * W`` to the gradient of each parameter.

    It is the derivative of ``rate / 2 * sum(W**2)``, by which large weights make the loss larger
    (L2 regularization; the book's section 6.4.2), and PyTorch's ``weight_decay`` of all optimizers
    but AdamW. Under SGD each step shrinks the parameter by ``lr * rate`` of itself. An optimizer
    that divides gradients by their size, such as Adam, divides the penalty's with them; that
    parameters shrink beside the rule, whatever the gradients, is AdamW.

    Parameters
    ----------
    rate : float or Schedule
        Finite and not negative.
    only : str or sequence of str, optional
        As in :class:`xpnet.optimizers.Transform`, such as ``"*.W"`` to leave biases alone.

    Raises
    ------
    SettingError
        If ``rate`` or a pattern cannot be.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> optimizer = xpnet.SGD(lr=0.5, transforms=[xpnet.weight_decay(0.5, only="W")])
    >>> params = {"W": np.ones(2), "b": np.ones(1)}
    >>> optimizer.update(params, {"W": np.zeros(2), "b": np.zeros(1)})
    >>> params
    {'W': array([0.75, 0.75]), 'b': array([1.])}
    """

    rate = Setting(check_not_negative)

    def __init__(self, rate: Any, *, only: str | Iterable[str] | None = None) -> None:
        super().__init__(only=only)
        self.rate = rate

    def transformed(
        self,
        grads: Gradients,
        params: Mapping[str, Array],
        step: Any,
        settings: Mapping[str, Any],
    ) -> Gradients:
        who, rate = type(self).__name__, settings["rate"]
        return {name: _decayed(who, grad, params[name], rate) for name, grad in grads.items()}


def _decayed(who: str, grad: Array, param: Array, rate: Any) -> Array:
    xp, *together = floats_together(who, grad=grad, param=param)
    wide_grad, wide_param = widened(xp, *together)
    return rounded(xp, wide_grad + as_number(xp, rate, wide_param) * wide_param, like=grad)
