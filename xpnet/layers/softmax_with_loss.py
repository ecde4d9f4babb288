"""The SoftmaxWithLoss layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet._typing import Array, Number
from xpnet.arrays import detached, device_of
from xpnet.backend import BackendSpec
from xpnet.checks import check_floats
from xpnet.labels.classes import check_labels_for
from xpnet.labels.options import (
    check_class_weights,
    check_options,
    class_weights_like,
)
from xpnet.layers.calls import of_one_op
from xpnet.layers.loss import Loss
from xpnet.metrics import accuracy
from xpnet.ops.cross_entropy import softmax_with_loss, softmax_with_loss_backward

__all__ = ["SoftmaxWithLoss"]


class SoftmaxWithLoss(Loss):
    """Softmax and the mean cross entropy of its result, as one layer.

    The options mean what they do in PyTorch's ``cross_entropy``; see
    :func:`xpnet.ops.softmax_with_loss`.

    Parameters
    ----------
    ignore_index : int, optional
        Samples with this class index do not count.
    label_smoothing : float
        From 0 to 1: the share of each label that is spread evenly over all classes.
    class_weights : array or list, shape (C,), optional
        What each class counts, finite and not negative. A list or an array of NumPy is brought to
        wherever the scores live; another array must live there.
    xp : str, module or Backend, optional
        Where inputs must come from; anywhere unless given.

    Attributes
    ----------
    loss : array of shape (), or None
        Of the last forward.
    y : array, shape (..., C), or None
        The probabilities of the last forward.
    t : array or None
        The labels of the last forward.
    ignore_index, label_smoothing, class_weights
        As given, and they may be set; a list or an array of NumPy becomes a read-only copy in
        float64. They are no parameters.

    Raises
    ------
    ValueError, ShapeError, DTypeError
        If an option is out of range, or ``class_weights`` are no numbers of shape (C,).

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> layer = xpnet.SoftmaxWithLoss()
    >>> print(f"{layer.forward(np.zeros((1, 4)), np.asarray([2])):.4f}")
    1.3863
    >>> layer.backward()
    array([[ 0.25,  0.25, -0.75,  0.25]])
    """

    metric_name = "accuracy"

    def __init__(
        self,
        *,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        class_weights: Any = None,
        xp: BackendSpec | None = None,
    ) -> None:
        super().__init__(xp=xp)
        name = type(self).__name__
        check_options(name, ignore_index, label_smoothing)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.class_weights = class_weights

    @property
    def class_weights(self) -> Array | None:
        return self._class_weights

    @class_weights.setter
    def class_weights(self, weights: Any) -> None:
        name = type(self).__name__
        self._class_weights = None if weights is None else check_class_weights(name, weights)

    @of_one_op(softmax_with_loss)
    def forward(self, x: Array, t: Array) -> Array:  # type: ignore[override]
        """Return the loss; see :func:`xpnet.ops.softmax_with_loss`."""
        weights = None if self.class_weights is None else self._weights_like(x)
        options = self.ignore_index, self.label_smoothing, weights
        loss, y = softmax_with_loss(
            x,
            t,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            class_weights=weights,
        )
        self._check_home(x)  # t lives where x does
        self._save(loss, y, detached(t), options, self.class_weights)
        return loss

    @of_one_op(softmax_with_loss_backward)
    def backward(self, dout: Array | Number = 1) -> Array:
        """Return ``dx``; see :func:`xpnet.ops.softmax_with_loss_backward`."""
        _loss, y, t, options, _given = self._saved()
        ignore_index, label_smoothing, class_weights = options
        return softmax_with_loss_backward.trusted(
            dout,
            y,
            t,
            ignore_index=ignore_index,
            label_smoothing=label_smoothing,
            class_weights=class_weights,
        )

    def metric(self, y: Array, t: Array) -> Array:
        """Return :func:`xpnet.metrics.accuracy` of scores; ignored samples do not count."""
        return accuracy(y, t, ignore_index=self.ignore_index)

    def check_labels(self, t: Array, shape: tuple[int, ...]) -> None:
        """Read labels, wherever they live, and make sure that they suit scores of a shape.

        On a GPU it waits for the device.

        Raises
        ------
        ShapeError, DTypeError, LabelError, BackendMismatchError
            As ``forward`` does where the host can read the labels.
        """
        check_labels_for(type(self).__name__, t, tuple(shape), self.ignore_index)

    def _weights_like(self, x: Array) -> Array:
        """Return the weights where the scores are.

        Those from the host are taken from the last forward if they suit: to bring them anew each
        time would make a GPU wait.
        """
        check_floats(type(self).__name__, x=x)
        memory = self._remembered()
        if memory is not None and isinstance(self.class_weights, np.ndarray):
            *_, y, _t, options, given = memory
            lives_there = type(y) is type(x) and device_of(y) == device_of(x) and y.dtype == x.dtype
            if given is self.class_weights and lives_there and y.shape[-1] == x.shape[-1]:
                return options[2]
        return class_weights_like(type(self).__name__, self.class_weights, x)
