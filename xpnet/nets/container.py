"""What all nets have in common: layers inside, whose parameters they show as their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from xpnet import metrics
from xpnet._typing import Array
from xpnet.gradients import numerical_gradient
from xpnet.kernels import contention
from xpnet.layers import Layer, SoftmaxWithLoss
from xpnet.layers.calls import of_layers, recorded_by, recorder, takes_need_dx
from xpnet.layers.evaluating import call_evaluating
from xpnet.layers.memories import call_keeping_memories
from xpnet.layers.outputs import Activations
from xpnet.layers.parameters import Parameters, by_path
from xpnet.layers.tree import is_layer

__all__ = ["Container", "check_is_layer"]


class Container(Layer):
    """A layer made of layers, with a loss at the end. A subclass says how it goes through them.

    Parameters
    ----------
    last_layer : layer, optional
        Takes the output and the labels and returns the loss, an array of shape () or a number;
        ``SoftmaxWithLoss`` unless given. It may have ``check_labels``, ``metric`` and
        ``metric_name``, as :class:`SoftmaxWithLoss` has.
    names : callable, optional
        How the parameters are called, besides their paths; see :class:`Parameters`.

    Raises
    ------
    TypeError
        If the last layer is none.
    """

    remembers_each_call: ClassVar[bool] = False
    """Whether a layer may be called several times in one forward."""

    def __init__(
        self,
        *,
        last_layer: Any = None,
        names: Callable[[list[tuple[str, str]]], list[str]] = by_path,
    ) -> None:
        self._names = names
        self._backend = self._memory = None
        self.last_layer = SoftmaxWithLoss() if last_layer is None else last_layer

    @property
    @of_layers
    def params(self) -> Parameters:  # type: ignore[override]
        """The parameters of all layers by their paths, such as ``Affine1.W``: a view of theirs."""
        params: Parameters | None = vars(self).get("_params")
        if params is None:
            params = vars(self)["_params"] = Parameters(self, self._names)
        return params

    @property
    @of_layers
    def grads(self) -> dict[str, Array]:  # type: ignore[override]
        """The gradients of the last backward by the same names."""
        return self.params.grads()

    @property
    def last_layer(self) -> Any:
        """The loss."""
        return self._last_layer

    @last_layer.setter
    def last_layer(self, layer: Any) -> None:
        self._check_loss(layer)
        self._last_layer = layer

    def _check_loss(self, layer: Any) -> None:
        check_is_layer(type(self).__name__, layer)

    def predict(self, x: Array) -> Array:
        """Return the output of the last layer before the loss: scores, not probabilities.

        The layers do what they do after training: nothing is dropped, see ``xpnet.evaluating``.
        They do not remember it.

        Parameters
        ----------
        x : array
            What the first layer takes; for an Affine, of shape (..., D).

        Returns
        -------
        array
            Such as (..., C) for C classes.

        Raises
        ------
        XpnetError
            As the layers; a note tells which one.
        """
        return call_keeping_memories(call_evaluating, self.forward, x)

    def activations(self, x: Array) -> dict[str, Array]:
        """Return what each layer puts out for an input, by its path.

        The layers do what they do after training, as in :meth:`predict`. A second output of a layer
        that is called twice is at ``path#2``. Of a layer of one's own that has others in it, its
        own output is there, and not theirs.

        Parameters and errors are those of :meth:`predict`.

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> net = xpnet.TwoLayerNet(4, 3, 2, seed=0)
        >>> found = net.activations(xpnet.asarray(np.ones((1, 4))))
        >>> {path: y.shape for path, y in found.items()}
        {'Affine1': (1, 3), 'ReLU1': (1, 3), 'Affine2': (1, 2)}
        """
        noter = Activations(self)
        run = partial(recorded_by, noter, self.forward)
        call_keeping_memories(call_evaluating, run, x)
        return noter.found

    @of_layers
    def loss(self, x: Array, t: Array) -> Array:
        """Return the loss of a batch in training; inside ``xpnet.evaluating()``, after it.

        Parameters
        ----------
        x : array
            As in :meth:`predict`.
        t : array
            What the loss takes; for ``SoftmaxWithLoss``, class indices of shape (...), or one-hot
            or soft rows of shape (..., C).

        Returns
        -------
        array, shape ()
            It stays on the device; ``float`` of it waits for the result.

        Raises
        ------
        XpnetError
            As the layers.
        """
        y = self.forward(x)
        who = recorder()
        return self.last_layer.forward(y, t) if who is None else who.forward(self.last_layer, y, t)

    def accuracy(self, x: Array, t: Array) -> Array:
        """Return the share of samples that are classified right.

        That is the metric of the loss, if it is an accuracy, else :func:`xpnet.metrics.accuracy`.
        Parameters and errors are those of :meth:`loss`.

        Returns
        -------
        array, shape ()
            From 0 to 1, in the dtype of the scores; 0 for an empty batch. It stays on the device.
        """
        loss = self.last_layer
        own = getattr(loss, "metric_name", None) == metrics.accuracy.__name__
        return (loss.metric if own else metrics.accuracy)(self.predict(x), t)

    @of_layers
    def gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """Return the gradients of the loss by backpropagation.

        The gradient with respect to ``x`` is not computed: nobody would read it.

        Parameters and errors are those of :meth:`loss`.

        Returns
        -------
        dict of str to array
            By the names of ``params``, each of its parameter's shape; without those that are
            frozen.
        """
        return self.loss_and_gradient(x, t)[1]

    @of_layers
    def loss_and_gradient(self, x: Array, t: Array) -> tuple[Array, dict[str, Array]]:
        """Return what :meth:`loss` and :meth:`gradient` return, having computed both once."""
        return contention.run(self._loss_and_gradient, x, t)

    def _loss_and_gradient(self, x: Array, t: Array) -> tuple[Array, dict[str, Array]]:
        loss = self.loss(x, t)
        who = recorder()
        dout = self.last_layer.backward() if who is None else who.backward(self.last_layer)
        backward: Any = self.backward
        backward(dout, **({"need_dx": False} if takes_need_dx(backward) else {}))
        return loss, self.grads

    def numerical_gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """Return the gradients of the loss by central differences, to check :meth:`gradient`.

        It computes the loss twice for every single parameter.

        Parameters, result and errors are those of :meth:`gradient`.
        """
        trained = self.params.graded_places()
        return {name: self._numerical_gradient(name, x, t) for name in trained}

    def _numerical_gradient(self, name: str, x: Array, t: Array) -> Array:
        param = self.params[name]

        def loss_of(changed: Array) -> Array:
            self.params[name] = changed
            return self.loss(x, t)

        try:
            return numerical_gradient(loss_of, param)
        finally:
            self.params[name] = param

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_params", None)  # a view of this very net
        return state


def check_is_layer(net: str, layer: Any) -> None:
    """Make sure that something is a layer.

    Raises
    ------
    TypeError
        If it is not.
    """
    if is_layer(layer):
        return
    found = layer if isinstance(layer, type) else f"a {type(layer).__name__}"
    msg = f"{net}: {found} is no layer: it must have forward, backward, params and grads"
    if isinstance(layer, list | tuple):
        msg = f"{msg}; to pass the layers in a {type(layer).__name__}, write {net}(*layers)"
    raise TypeError(msg)
