"""Forward and backward from a recording, and an update."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, TypeAlias

import numpy as np

from xpnet.checks import check_same_home
from xpnet.nets import Sequential
from xpnet.optimizers.optimizer import has_plain_update
from xpnet.training.eager import EagerStep
from xpnet.training.kept_state import KeptState
from xpnet.training.replayed.recording import Recording
from xpnet.training.replayed.update import Update

__all__ = ["ReplayedStep"]

_Host: TypeAlias = np.ndarray[Any, Any]

# One for full batches, one for the last of an epoch, and some to spare.
_RECORDINGS = 4


class ReplayedStep:
    """A step, recorded with the first batch of a shape and layout.

    Parameters
    ----------
    net : Sequential
    optimizer : optimizer
    """

    def __init__(self, net: Sequential, optimizer: Any) -> None:
        self._net, self._optimizer = net, optimizer
        self._eager = EagerStep(net, optimizer)
        self._state = KeptState(optimizer)
        self._recordings: OrderedDict[Any, Recording] = OrderedDict()

    def __call__(self, x: Any, t: Any) -> Any:
        if type(t) is not np.ndarray:
            check_same_home("compile", x=x, t=t)
        if type(x) is not np.ndarray or type(t) is not np.ndarray:
            return self._eager(x, t)  # a masked array, or another that knows more
        key = x.shape, x.dtype, _layout(x), t.shape, t.dtype, _layout(t)
        recording = self._recordings.get(key)
        if recording is not None and recording.is_current():
            recording.replay(x, t)
        else:
            recording = self._recordings[key] = Recording(self._net, x, t)
            if len(self._recordings) > _RECORDINGS:
                self._recordings.popitem(last=False)
        self._update(recording)
        return recording.loss.copy()

    def _update(self, recording: Recording) -> None:
        optimizer = self._optimizer
        if recording.update is not None and recording.update.is_current():
            recording.update()
            return
        # It checks everything, and makes sure that there is a state.
        optimizer.update(self._net.params, recording.grads)
        # A rule of one's own may fail halfway; the update above computes all before it writes.
        if has_plain_update(optimizer) and optimizer.kernel is not None:
            self._state.take_back()
            if recording.update is None or not recording.update.is_current():
                recording.update = Update(optimizer, self._net.params, recording.grads)


def _layout(array: _Host) -> tuple[int, ...] | None:
    # Results of methods may lie in memory as the batch does.
    return None if array.flags.c_contiguous else array.strides
