"""The training loop: shuffled batches, one optimizer step each, accuracies each epoch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from typing import Protocol, TypeAlias

import numpy as np

from xpnet._typing import Array
from xpnet.arrays import array_namespace, asarray, synchronize, to_numpy
from xpnet.backend import Backend
from xpnet.backends import adapter_of
from xpnet.errors import ShapeError
from xpnet.nets import Parameters, Sequential
from xpnet.ops import check_labels
from xpnet.progress import Progress, progress
from xpnet.training.ctrl_c import CtrlC
from xpnet.training.history import Epoch, History

__all__ = ["Dataset", "train"]

Dataset: TypeAlias = tuple[Array, Array]
"""Inputs of shape (N, ...) and labels of shape (N,) or (N, C)."""


class _Optimizer(Protocol):
    def update(self, params: Parameters, grads: dict[str, Array], /) -> None: ...


def train(
    net: Sequential,
    optimizer: _Optimizer,
    train_set: Dataset,
    test_set: Dataset,
    *,
    iterations: int,
    batch_size: int = 100,
    seed: int | np.random.Generator | None = None,
    verbose: bool = False,
) -> History:
    """Train a net, and measure what it learns.

    Each epoch visits every sample once, in an order that is drawn on the host, so that the same
    seed gives the same batches on every backend. The last batch of an epoch may be smaller. The
    losses stay on the device until the epoch ends: a step never waits.

    Parameters
    ----------
    net : Sequential
        Is changed.
    optimizer : optimizer
        Has ``update(params, grads)``.
    train_set, test_set : pair of arrays
        Inputs of shape (N, ...) and labels of shape (N,) or (N, C), where the net lives.
    iterations : int
        How many steps to take.
    batch_size : int
        Samples per step.
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
        If a label is no class; nothing has been trained then.
    ValueError
        If ``batch_size`` is not positive or ``iterations`` is negative.
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
    if batch_size < 1 or iterations < 0:
        msg = f"train: batch_size is {batch_size} and iterations {iterations}; too few"
        raise ValueError(msg)
    for dataset in (train_set, test_set):
        _check_dataset(net, dataset)
    history = History()
    with CtrlC() as ctrl_c:
        with progress(iterations, "training") if verbose else nullcontext() as shown:
            try:
                for batches in _epochs(train_set, batch_size, iterations, seed):
                    _train_epoch(net, optimizer, batches, history, shown, ctrl_c)
                    _measure(net, train_set, test_set, history, shown, ctrl_c)
                    if ctrl_c.count:
                        break
            except KeyboardInterrupt:
                history.interrupted = True
            history.interrupted |= ctrl_c.count > 0
        if verbose:
            print(history, flush=True)
    history.interrupted |= ctrl_c.count > 0  # it may have come while that was printed
    return history


def _check_dataset(net: Sequential, dataset: Dataset) -> None:
    x, t = dataset
    if x.shape[0] == 0 or x.shape[0] != t.shape[0]:
        msg = f"train: there are {x.shape[0]} inputs and {t.shape[0]} labels"
        raise ShapeError(msg)
    check_labels(t, classes=net.predict(x[:1, ...]).shape[-1])


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
    net: Sequential,
    optimizer: _Optimizer,
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
                grads = net.gradient(x, t)
                optimizer.update(net.params, grads)
            losses.append(net.last_layer.loss)
            if shown:
                shown.update()
            if ctrl_c.count:
                break
        synchronize(*losses[-1:])
    finally:
        history.seconds += time.perf_counter() - start
        history.losses += [float(loss) for loss in to_numpy(losses)]


def _measure(
    net: Sequential,
    train_set: Dataset,
    test_set: Dataset,
    history: History,
    shown: Progress | None,
    ctrl_c: CtrlC,
) -> None:
    """Add what was reached since the last measurement, if anything."""
    before = history.epochs[-1].iterations if history.epochs else 0
    losses = history.losses[before:]
    if not losses:
        return
    with ctrl_c.cuttable():
        train_accuracy, test_accuracy = (
            float(net.accuracy(*dataset)) for dataset in (train_set, test_set)
        )
    epoch = Epoch(
        number=len(history.epochs) + 1,
        iterations=history.iterations,
        loss=sum(losses) / len(losses),
        train_accuracy=train_accuracy,
        test_accuracy=test_accuracy,
    )
    history.epochs.append(epoch)
    if shown:
        shown.write(str(epoch))
