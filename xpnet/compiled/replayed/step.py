"""Forward and backward from a recording, and an update."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, TypeAlias

import numpy as np

from xpnet.compiled.eager import EagerStep
from xpnet.compiled.kept_state import KeptState
from xpnet.compiled.not_compiled import NotCompiledError, warn
from xpnet.compiled.replayed.recorder import Changed
from xpnet.compiled.replayed.recording import Recording
from xpnet.compiled.replayed.update import Update
from xpnet.compiled.snapshot import Snapshot
from xpnet.kernels import contention
from xpnet.layers.calls import is_of_layers
from xpnet.layers.tree import layers_in
from xpnet.optimizers.optimizer import has_plain_update

__all__ = ["ReplayedStep"]

_Host: TypeAlias = np.ndarray[Any, Any]

# One for full batches, one for the last of an epoch, and some to spare.
_RECORDINGS = 4

# What a recording of the layers would leave out, if a net has its own.
_RECORDED = ("forward", "backward", "loss", "gradient", "loss_and_gradient", "params", "grads")


class ReplayedStep:
    """A step, recorded with the first batch of a shape and layout.

    Parameters
    ----------
    net : net
    optimizer : optimizer
    """

    def __init__(self, net: Any, optimizer: Any) -> None:
        self._net, self._optimizer = net, optimizer
        self._eager = EagerStep(net, optimizer)
        self._state = KeptState(optimizer)
        self._recordings: OrderedDict[Any, Recording] = OrderedDict()
        self._is_recordable = True

    def __call__(self, x: Any, t: Any) -> Any:
        if type(x) is not np.ndarray or type(t) is not np.ndarray:
            return self._eager(x, t)
        key = x.shape, x.dtype, _layout(x), t.shape, t.dtype, _layout(t)
        recording = self._recordings.get(key)
        if recording is None or not recording.is_current():
            recording = None
            if not self._is_recordable or not is_of_layers(self._net, *_RECORDED):
                return self._eager(x, t)
        try:
            recording = contention.run(self._step, recording, x, t)
        except Changed:
            return self._eager(x, t)
        except NotCompiledError as error:
            self._is_recordable = False
            warn(str(error))
            return self._eager(x, t)
        self._recordings[key] = recording
        self._recordings.move_to_end(key)
        if len(self._recordings) > _RECORDINGS:
            self._recordings.popitem(last=False)
        return recording.loss.copy()

    def _step(self, recording: Recording | None, x: _Host, t: _Host) -> Recording:
        """Take a step from a recording, or from one that is made meanwhile."""
        is_planned = has_plain_update(self._optimizer)
        before = self._before(recording, is_planned=is_planned)
        done: list[str] = []
        if recording is not None and recording.update is not None:
            recording.update.done.clear()
        try:
            if recording is None:
                recording = Recording(self._net, x, t)
            else:
                recording.replay(x, t)
            if is_planned:
                update = self._update_of(recording)
                done = update.done
                update()
            else:
                self._optimizer.update(self._net.params, recording.grads)
                done.append("updated")
        except BaseException:
            if before is not None and not done:
                before.restore()
            raise
        return recording

    def _before(self, recording: Recording | None, *, is_planned: bool) -> Snapshot | None:
        if recording is not None and is_planned:
            return recording.before()
        layers = layers_in(self._net)
        return Snapshot(
            layers if is_planned else [*layers, self._optimizer], contents=not is_planned
        )

    def _update_of(self, recording: Recording) -> Update:
        if recording.update is None:
            recording.update = Update(self._net, self._optimizer, self._state, recording.grads)
        return recording.update


def _layout(array: _Host) -> tuple[int, ...] | None:
    # Results of methods may lie in memory as the batch does.
    return None if array.flags.c_contiguous else array.strides
