"""Interrupt a divided update at each line that Python runs in it: a script, for a process alone.

A lock that stays locked would let it wait for ever.
"""

from __future__ import annotations

import signal
import sys
import time

import numpy as np

from xpnet.kernels.numba import team, updates

SIZE = 2_000_000
PARAM = np.linspace(1, 2, SIZE, dtype="float32")
GRAD = np.linspace(-3, 3, SIZE, dtype="float32")
EXPECTED = PARAM - np.float32(0.5) * GRAD


class Interrupt:
    """Raises KeyboardInterrupt at one of the lines that are run in its block, of all frames."""

    def __init__(self, line: int) -> None:
        self.lines, self._line = 0, line

    def __enter__(self) -> Interrupt:
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _trace(self, frame, event, _):
        if event == "line" and frame.f_code is not Interrupt.__exit__.__code__:
            self.lines += 1
            if self.lines == self._line:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self._trace


def update(divided, param, line):
    """Interrupt an update at a line, and finish it; return whether it has so many lines."""
    divided.reset()
    try:
        with Interrupt(line):
            divided(param, GRAD, np.float32(0.5))
    except KeyboardInterrupt:
        divided.finish(param, GRAD, np.float32(0.5))
        return True
    return False


def assert_right(param, when):
    np.testing.assert_array_equal(param, EXPECTED, err_msg=when)


def at_each_line(divided, prepare):
    line, goes_on = 0, True
    while goes_on:
        prepare()
        line, param, again = line + 1, PARAM.copy(), PARAM.copy()
        goes_on = update(divided, param, line)
        assert_right(param, f"line {line}")
        divided(again, GRAD, np.float32(0.5))
        assert_right(again, f"after line {line}")
    return line


def by_signals(divided):
    """Interrupt updates, and what finishes them, every 300 microseconds, wherever they are."""
    interrupts = []

    def interrupt(_, frame):
        while frame is not None and frame.f_code is not team.Divided.finish.__code__:
            frame = frame.f_back
        if frame is not None:
            interrupts.append(frame.f_lineno)
            raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 3e-4, 3e-4)
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        param, is_done = PARAM.copy(), False
        divided.reset()
        while not is_done:
            try:
                divided.finish(param, GRAD, np.float32(0.5))
                is_done = True
            except KeyboardInterrupt:
                pass
        assert_right(param, "after signals")
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert interrupts
    return len(interrupts)


def main(how):
    team.thread_count = lambda: 2
    divided = team.Divided(2, updates.sgd, SIZE)
    divided(PARAM.copy(), GRAD, np.float32(0.5))  # compiled, or found on disk
    print(by_signals(divided) if how == "by signals" else at_each_line(divided, PREPARE[how]))


PREPARE = {
    "no helper yet": team._team.cache_clear,
    "helper awake": lambda: None,
    "helper asleep": lambda: time.sleep(0.01),
}

if __name__ == "__main__":
    main(sys.argv[1])
