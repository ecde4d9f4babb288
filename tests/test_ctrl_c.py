"""Ctrl-C at every line of a training run: what is printed is what was reached."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from contextlib import contextmanager, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

import xpnet
from xpnet import Affine, Sequential
from xpnet.training import train
from xpnet.training.ctrl_c import CtrlC

TRAINING = os.fspath(Path(xpnet.__file__).parent / "training")
STEPS = 3


@pytest.fixture(autouse=True)
def python_listens():
    """Set Python's own handler: a process that a shell starts in the background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Optimizer:
    """SGD that can be interrupted between one parameter and the next."""

    def update(self, params, grads):
        for name in params:
            params[name] -= 0.5 * grads[name]


class Run:
    """Two epochs, of two steps and one; Ctrl-C is pressed at these lines, counted from 0."""

    def __init__(self, *presses, steps=STEPS):
        self.presses = presses
        self.lines = 0
        self.net = Sequential(Affine(np.asarray([[-0.3, 0.3]]), np.zeros(2)))
        data = np.asarray([[-1.0], [-0.5], [0.1], [1.0]]), np.asarray([0, 1, 0, 1])
        with redirect_stdout(StringIO()) as out, self._traced():
            try:
                self.history = train(
                    self.net,
                    Optimizer(),
                    data,
                    data,
                    iterations=steps,
                    batch_size=2,
                    seed=0,
                    verbose=True,
                )
            except KeyboardInterrupt:
                self.history = None
        printed = re.sub(r"; [\d.]+ ms per step", "", out.getvalue()).splitlines()
        self.printed = [line for line in printed if line != "interrupted"]
        self.says_interrupted = "interrupted" in printed
        self.params = [xpnet.to_numpy(p).tolist() for p in self.net.params.values()]

    @contextmanager
    def _traced(self):
        before = sys.gettrace()
        sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(before)

    def _called(self, frame, event, arg):
        code = frame.f_code
        ours = code.co_filename.startswith(TRAINING) or code is Optimizer.update.__code__
        return self._reached if ours else None

    def _reached(self, frame, event, arg):
        if event == "line":
            self.lines += 1
            if self.lines - 1 in self.presses:
                signal.raise_signal(signal.SIGINT)
        return self._reached


@cache
def whole(steps=STEPS):
    """A run that nobody interrupts."""
    return Run(steps=steps)


def unharmed(run):
    """Whether a run that raised KeyboardInterrupt had not begun, or was over."""
    not_begun = ([], whole(0).params)
    over = [(whole(steps).printed, whole(steps).params) for steps in range(1, STEPS + 1)]
    return (run.printed, run.params) in [not_begun, *over]


def test_the_runs_differ_in_all_that_is_compared():
    for compared in ("printed", "params"):
        runs = [getattr(whole(steps), compared) for steps in range(STEPS + 1)]
        assert all(run not in runs[:i] for i, run in enumerate(runs))
    assert len(whole().history.epochs) == 2
    accuracies = [whole(steps).history.epochs[-1].test_accuracy for steps in (1, 2, 3)]
    assert len(set(accuracies)) > 1


def test_one_ctrl_c_makes_a_whole_run_of_fewer_steps():
    reached = set()
    for line in range(whole().lines):
        run = Run(line)
        if run.history is None:
            assert unharmed(run), line
            continue
        steps = run.history.iterations
        reached.add(steps)
        expected = whole(steps)
        assert run.history.interrupted
        assert run.params == expected.params, line
        assert run.history.losses == expected.history.losses, line
        assert run.history.epochs == expected.history.epochs, line
        assert run.printed == expected.printed, line
        assert run.says_interrupted or steps == STEPS, line
    assert reached == {1, 2, 3}


@pytest.mark.parametrize("later", [1, 2, 5, 12, 30, 60])
def test_a_second_ctrl_c_loses_nothing_but_the_measurement(later):
    unmeasured = set()
    for line in range(whole().lines - later):
        run = Run(line, line + later)
        if run.history is None:
            assert unharmed(run), line
            continue
        steps = run.history.iterations
        assert run.history.losses == whole(STEPS).history.losses[:steps], line
        measured = run.history.epochs[-1].iterations if run.history.epochs else 0
        unmeasured.add(steps - measured)
        expected = whole(measured)
        assert run.history.epochs == expected.history.epochs, line
        printed = expected.printed if measured else []
        if measured < steps:
            printed = [*printed, f"steps not measured: {steps - measured}"]
        assert run.printed == printed, line
        assert run.says_interrupted or steps == STEPS, line
    assert {0, 1} <= unmeasured


def test_a_run_without_a_step():
    assert whole(0).printed == ["no step was taken"]


def test_ctrl_c_is_as_before_when_training_has_ended():
    for run in (whole(), Run(100)):
        assert run.history is not None
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_somebody_elses_handler_stays():
    heard = []
    signal.signal(signal.SIGINT, lambda *_: heard.append("Ctrl-C"))

    run = Run(100)

    assert heard == ["Ctrl-C"]
    assert not run.history.interrupted
    assert run.printed == whole().printed


def test_training_in_another_thread():
    runs = []
    thread = threading.Thread(target=lambda: runs.append(Run()))
    thread.start()
    thread.join()

    assert runs[0].printed == whole().printed


def test_a_second_ctrl_c_is_raised_where_it_may_cut_and_nowhere_else():
    with CtrlC() as ctrl_c:
        signal.raise_signal(signal.SIGINT)
        with ctrl_c.cuttable():
            pass
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), ctrl_c.cuttable():
            pytest.fail("the block was entered")
    assert ctrl_c.count == 3

    with CtrlC() as ctrl_c:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), ctrl_c.cuttable():
            signal.raise_signal(signal.SIGINT)
