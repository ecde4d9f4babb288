"""What a recorder of nets calls again."""

from __future__ import annotations

import numpy as np

import xpnet
from xpnet import ops
from xpnet.compiled.replayed.recorder import NetRecorder


def replay(recorder):
    for function, *arguments in recorder.calls():
        function(*arguments)


def test_a_function_is_called_again_unless_kernels_do_all_of_it():
    def half_by_a_kernel(x):
        return 3 * ops.relu(x)

    recorder = NetRecorder(xpnet.Sequential())
    x = np.asarray([[-1.0, 2.0]])
    y = recorder.call(half_by_a_kernel, x)

    x[...] = [[5.0, -7.0]]
    replay(recorder)

    np.testing.assert_array_equal(y, [[15, 0]])


def test_what_a_kernel_does_is_called_and_not_the_op():
    recorder = NetRecorder(xpnet.Sequential())
    x = np.asarray([[-1.0, 2.0]])
    y = recorder.call(ops.add, x, x)

    x[...] = 4
    replay(recorder)

    np.testing.assert_array_equal(y, 8)
    assert [call[0] for call in recorder.calls()] == [np.add]


def test_a_view_needs_no_call():
    recorder = NetRecorder(xpnet.Sequential())
    x = np.ones((2, 3))

    y = recorder.call(ops.transpose, x)

    assert recorder.calls() == []
    assert np.shares_memory(x, y)
