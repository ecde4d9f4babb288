"""The training loop: shuffled batches, one optimizer step each, a metric each epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import islice
from typing import Any, TypeAlias

import numpy as np

from xpnet._typing import Array
from xpnet.arrays import array_namespace, asarray, synchronize, to_numpy
from xpnet.backend import Backend
from xpnet.backends import adapter_of
from xpnet.compiled import compile as compiled
from xpnet.compiled.eager import EagerStep
from xpnet.errors import ShapeError
from xpnet.layers.evaluating import call_evaluating
from xpnet.layers.memories import call_keeping_memories
from xpnet.progress import Progress, progress
from xpnet.training.ctrl_c import CtrlC
from xpnet.training.history import Epoch, History

__all__ = ["Callback", "Dataset", "Metric", "train"]

Dataset: TypeAlias = tuple[Array, Array]
"""Inputs of shape (N, ...) and labels of shape (N,) or (N, C)."""


Metric: TypeAlias = Callable[[Array, Array], Array]
"""Takes what ``net.predict`` returns, and labels; returns an array of shape () or a number."""

Callback: TypeAlias = Callable[[Any, History], Any]
"""Takes the net and the history; what it returns tells whether training ends."""


def train(
    net: Any,
    optimizer: Any,
    train_set: Dataset,
    test_set: Dataset | None = None,
    *,
    epochs: int | None = None,
    iterations: int | None = None,
    batch_size: int = 100,
    metric: Metric | None = None,
    callback: Callback | None = None,
    compile: bool = True,  # noqa: A002
    seed: int | np.random.Generator | None = None,
    verbose: bool = False,
) -> History:
    """Train a net, and measure what it learns.

    Each epoch visits every sample once, in an order that is drawn on the host, so that the same
    seed gives the same batches on every backend. The last batch of an epoch may be smaller. The
    losses stay on the device until the epoch ends: a step never waits.

    Parameters
    ----------
    net : net
        Is changed.
    optimizer : optimizer
        Has ``update(params, grads)``.
    train_set : pair of arrays
        Inputs of shape (N, ...) and labels of shape (N, ...), where the net lives.
    test_set : pair of arrays, optional
        The same; what is learned is measured on it, too.
    epochs, iterations : int
        How often to visit every sample, or how many steps to take; one of the two.
    batch_size : int
        Samples per step.
    metric : callable, optional
        What is measured after each epoch; see :data:`Metric` and ``xpnet.metrics``. Unless given,
        what the net's loss has as ``metric``, or else the loss itself.
    callback : callable, optional
        Is called with the net and the history after each epoch. If it returns what is true, such as
        True, training ends.
    compile : bool
        Whether steps are those of ``xpnet.compile``.
    seed : int, numpy.random.Generator or None
        For the order of the samples.
    verbose : bool
        Whether to show a progress line on stderr, and print a line per epoch and what was reached.

    Returns
    -------
    History
        Complete up to the last step, even when Ctrl-C ends the run: a first one waits for the
        step and measures what it reached, a second one ends the run without measuring.

    Raises
    ------
    ShapeError
        If there are no samples, or not as many labels as inputs.
    LabelError
        If the loss says that a label is none; nothing has been trained then.
    ValueError
        If ``batch_size`` is not positive, or not one of ``epochs`` and ``iterations`` is given, or
        it is negative.
    XpnetError
        As the layers.

    Examples
    --------
    >>> import xpnet
    >>> from xpnet.training import train
    >>> digits = xpnet.datasets.load_digits()
    >>> net = xpnet.TwoLayerNet(64, 50, 10, seed=0)
    >>> history = train(net, xpnet.SGD(lr=0.5), *digits, iterations=300, seed=0)
    >>> history.epochs[-1].test_accuracy > 0.9
    True
    """
    steps = _count_steps(train_set, epochs, iterations, batch_size)
    sets = [train_set] if test_set is None else [train_set, test_set]
    for dataset in sets:
        _check_dataset(net, dataset)
    step = compiled(net, optimizer) if compile else EagerStep(net, optimizer)
    measure = _Measure(net, sets, metric)
    history = History()
    with CtrlC() as ctrl_c:
        with progress(steps, "training") if verbose else nullcontext() as shown:
            try:
                for batches in _epochs(train_set, batch_size, steps, seed):
                    _train_epoch(step, batches, history, shown, ctrl_c)
                    measure(history, shown, ctrl_c)
                    if ctrl_c.count or (callback is not None and callback(net, history)):
                        break
            except KeyboardInterrupt:
                history.interrupted = True
            history.interrupted |= ctrl_c.count > 0
        if verbose:
            print(history, flush=True)
    history.interrupted |= ctrl_c.count > 0  # it may have come while that was printed
    return history


def _count_steps(
    dataset: Dataset, epochs: int | None, iterations: int | None, batch_size: int
) -> int:
    if (epochs is None) == (iterations is None):
        msg = "train: give either epochs or iterations"
        raise ValueError(msg)
    name, count = ("iterations", iterations) if epochs is None else ("epochs", epochs)
    if batch_size < 1 or count is None or count < 0:
        msg = f"train: batch_size is {batch_size} and {name} {count}; too few"
        raise ValueError(msg)
    return count if epochs is None else count * -(-dataset[0].shape[0] // batch_size)


def _check_dataset(net: Any, dataset: Dataset) -> None:
    x, t = dataset
    if x.shape[0] == 0 or x.shape[0] != t.shape[0]:
        msg = f"train: there are {x.shape[0]} inputs and {t.shape[0]} labels"
        raise ShapeError(msg)
    check_labels = getattr(net.last_layer, "check_labels", None)
    if check_labels is not None:
        check_labels(t, (x.shape[0], *net.predict(x[:1, ...]).shape[1:]))


def _epochs(
    dataset: Dataset, batch_size: int, iterations: int, seed: int | np.random.Generator | None
) -> Iterator[Iterator[Dataset]]:
    """Yield the batches of one epoch after the other until there were enough."""
    rng = np.random.default_rng(seed)
    samples = dataset[0].shape[0]
    per_epoch = -(-samples // batch_size)
    for start in range(0, iterations, per_epoch):
        batches = _batches(dataset, batch_size, rng.permutation(samples))
        yield islice(batches, iterations - start)


def _batches(
    dataset: Dataset, batch_size: int, order: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> Iterator[Dataset]:
    x, t = dataset
    xp = array_namespace(x)
    adapter = adapter_of(x)
    order = asarray(order, xp=Backend(adapter.name, x.device, x.dtype, adapter))
    for start in range(0, x.shape[0], batch_size):
        batch = order[start : min(start + batch_size, x.shape[0])]
        yield xp.take(x, batch, axis=0), xp.take(t, batch, axis=0)


def _train_epoch(
    step: Callable[[Array, Array], Array],
    batches: Iterator[Dataset],
    history: History,
    shown: Progress | None,
    ctrl_c: CtrlC,
) -> None:
    losses: list[Array] = []
    start = time.perf_counter()
    try:
        for x, t in batches:
            with ctrl_c.cuttable():
                loss = step(x, t)
            losses.append(loss)
            if shown:
                shown.update()
            if ctrl_c.count:
                break
        _wait_for(losses[-1:])
    finally:
        history.seconds += time.perf_counter() - start
        history.losses += [float(loss) for loss in to_numpy(losses)]


def _wait_for(losses: list[Array]) -> None:
    """Wait until losses are computed; a loss of one's own may be a number, which is there."""
    if losses and hasattr(losses[0], "shape"):
        synchronize(*losses)


class _Measure:
    """Adds what was reached to a history.

    Parameters
    ----------
    net : net
    sets : list of pairs of arrays
        The training set, and perhaps a test set.
    metric : callable or None
    """

    def __init__(self, net: Any, sets: list[Dataset], metric: Metric | None) -> None:
        self._net, self._sets = net, sets
        self._metric = getattr(net.last_layer, "metric", None) if metric is None else metric
        self._name = "loss"
        if metric is not None:
            self._name = getattr(metric, "__name__", "metric").replace("_", " ")
        elif self._metric is not None:
            self._name = getattr(net.last_layer, "metric_name", "metric").replace("_", " ")

    def __call__(self, history: History, shown: Progress | None, ctrl_c: CtrlC) -> None:
        """Add what was reached since the last measurement, if anything."""
        before = history.epochs[-1].iterations if history.epochs else 0
        losses = history.losses[before:]
        if not losses:
            return
        with ctrl_c.cuttable():
            values = [self._of(*dataset) for dataset in self._sets]
        epoch = Epoch(
            len(history.epochs) + 1,
            history.iterations,
            sum(losses) / len(losses),
            self._name,
            *values,
        )
        history.epochs.append(epoch)
        if shown:
            shown.write(str(epoch))

    def _of(self, x: Array, t: Array) -> float:
        if self._metric is not None:
            return float(self._metric(self._net.predict(x), t))
        return float(call_keeping_memories(call_evaluating, self._net.loss, x, t))
