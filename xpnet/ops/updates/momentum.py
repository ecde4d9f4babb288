"""Steps with momentum, plain and Nesterov's."""

from __future__ import annotations

from xpnet._typing import Array, Namespace, Number
from xpnet.ops.updates.rule import rule

__all__ = ["momentum_update", "nesterov_update"]


@rule
def momentum_update(
    xp: Namespace,
    param: Array,
    grad: Array,
    velocity: Array,
    lr: Number | Array,
    momentum: Number | Array,
) -> tuple[Array, Array]:
    """Return a parameter that rolls downhill like a ball, and its velocity.

    The velocity becomes ``momentum * velocity - lr * grad`` and is added to the parameter, as in
    the book (section 6.1.4) and in Sutskever and others, "On the importance of initialization
    and momentum in deep learning", ICML 2013, equations 1 and 2. PyTorch's buffer holds
    ``-velocity / lr``: as long as ``lr`` stays the same, the parameters do, too. When ``lr``
    changes, here the velocity is kept, there the buffer is.

    Parameters
    ----------
    momentum : float or array of shape ()
        The share of its velocity that the parameter keeps.

    Returns
    -------
    param, velocity : array
        Each in its own dtype. Where the gradient is NaN or infinite, neither is finite.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import momentum_update
    >>> param, velocity = momentum_update(np.ones(2), np.ones(2), np.ones(2), 0.5, momentum=0.25)
    >>> param, velocity
    (array([0.75, 0.75]), array([-0.25, -0.25]))
    """
    new = momentum * velocity - lr * grad
    return param + new, new


@rule
def nesterov_update(
    xp: Namespace,
    param: Array,
    grad: Array,
    velocity: Array,
    lr: Number | Array,
    momentum: Number | Array,
) -> tuple[Array, Array]:
    """Return a parameter after a step of Nesterov's accelerated gradient, and its velocity.

    The velocity becomes ``momentum * velocity - lr * grad``, as in :func:`momentum_update`, and
    the parameter goes where that will carry it next: by ``momentum * velocity - lr * grad`` once
    more, with the new velocity. So the gradient is that of the place to which momentum alone
    leads: Bengio, Boulanger-Lewandowski and Pascanu, "Advances in optimizing recurrent networks",
    https://arxiv.org/abs/1212.0901, equations 6 and 7. For a constant ``lr`` PyTorch does the
    same.

    Parameters
    ----------
    momentum
        As in :func:`momentum_update`, as all else is.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import nesterov_update
    >>> param, velocity = nesterov_update(np.ones(2), np.ones(2), np.ones(2), 0.5, momentum=0.25)
    >>> param, velocity
    (array([0.4375, 0.4375]), array([-0.25, -0.25]))
    """
    downhill = lr * grad
    new = momentum * velocity - downhill
    ahead = momentum * new - downhill
    return param + ahead, new
