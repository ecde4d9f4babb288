"""The gradient check: from a layer and its inputs to a report."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from xpnet.gradient_check.conduct import is_random, offences
from xpnet.gradient_check.draws import elsewhere, upstream_gradients
from xpnet.gradient_check.judge import Judge
from xpnet.gradient_check.report import GradientReport, Verdict
from xpnet.gradient_check.spot import Spot
from xpnet.gradient_check.streams import check_seed
from xpnet.gradient_check.subject import Subject

__all__ = ["check_gradients"]

_MODES = ("directional", "full")


def check_gradients(
    layer_or_function: Any,
    *inputs: Any,
    seed: int = 0,
    mode: Literal["directional", "full"] = "directional",
) -> GradientReport:
    """Hold the gradients of a layer or function against finite differences of its forward.

    For a random ``dout``, the derivative of ``sum(dout * y)`` along a direction ``v`` is compared
    with ``sum(gradient * v)``, for every floating input and every parameter. It is computed in
    float64, or in float32 on a device that has no float64, with tolerances that follow from the
    truncation and rounding of each difference. Where there is a kink, such as that of ReLU at 0,
    the judgement is made a little beside it.

    Parameters
    ----------
    layer_or_function : layer or callable
        Any object with ``forward(*inputs)`` and ``backward(dout)``, and with ``params`` and
        ``grads`` if it has parameters. Or a function that takes the inputs and returns
        ``(y, backward)``. ``backward`` returns a gradient or a tuple of them, for the first
        inputs in order; None stands for none. A layer is not touched: copies of it are called.
    *inputs : array, float or other
        Floating ones are differentiated, others, such as class indices, are passed on. NumPy
        arrays are copied to where the layer's parameters live, else to where the first array of
        another library lives, else to the current backend.
    seed : int
        All random numbers follow from it, the same on every backend.
    mode : {"directional", "full"}
        ``"directional"`` takes one random direction an array, in which every entry moves, and
        mostly four forwards, however large it is. ``"full"`` takes as many an entry, and says
        which entries are wrong.

    Returns
    -------
    GradientReport
        True if all is right. It prints as a table, and has the numbers as attributes.

    Raises
    ------
    ValueError
        If the mode is unknown, the seed is none, or no input and no parameter is of floats.
    TypeError
        If the first argument is no layer and no such function, or a layer cannot be copied.
    Exception
        What forward and backward themselves raise.

    Notes
    -----
    Each tolerance follows from the numbers: how much the differences change from step to step, how
    far roundings of arguments and outputs can move them, and the square root of the dtype's
    spacing. A gradient is wrong if it is off at three steps in a row by more than all this. In
    float64 that shows faults of one part in 10**7, in float32 of one in 10**3.

    Gradients are those of the last backward, not sums over several; a layer that adds them up is
    reported as ``"stale"``. Entries that are NaN or infinite, of inputs or outputs, are left out.
    For JAX, x64 is switched on, as by ``xpnet.asarray(dtype="float64")``.

    Directions as in Chainer's ``gradient_check``: one that no entry escapes. The gradient of an
    input that is not returned is no fault, because losses return none for labels, but the first
    input of floats must have one.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> from xpnet.gradient_check import check_gradients
    >>> x = np.asarray([[1.0, -2.0], [0.5, 3.0]])
    >>> bool(check_gradients(xpnet.Affine.random(2, 3, seed=0), x))
    True

    A function, whose gradient forgets the inner derivative:

    >>> def square(x):
    ...     return x**2, lambda dout: x * dout
    >>> report = check_gradients(square, np.asarray([1.0, 3.0]), mode="full")
    >>> bool(report), report["x"].judgement
    (False, 'wrong')
    >>> for entry in report["x"].wrong_entries:
    ...     print(entry.index, f"{entry.numeric / entry.analytic:.3f}")
    (0,) 2.000
    (1,) 2.000
    """
    if mode not in _MODES:
        msg = f"unknown mode {mode!r}; known are {', '.join(map(repr, _MODES))}"
        raise ValueError(msg)
    check_seed(seed)
    with np.errstate(all="ignore"):  # steps may leave the domain of a function
        subject = Subject(layer_or_function, inputs)
        return GradientReport(subject.title, mode, seed, tuple(_verdicts(subject, mode, seed)))


def _verdicts(subject: Subject, mode: str, seed: int) -> list[Verdict]:
    far = {
        slot: elsewhere((seed, number), a)
        for number, (slot, a) in enumerate(subject.point.items(), start=1)
    }
    with suppress(Exception):  # if a function keeps its first arguments, these shall be others
        subject.forward(far)
    y = subject.forward(subject.point)
    douts = upstream_gradients((seed,), y.shape) * np.isfinite(y)
    here = Spot(subject, subject.point, douts)
    if is_random(subject, here):
        return [Verdict("output", "random", note="two forwards of the same arguments differ")]
    judge = Judge(subject, here, mode, seed)
    return _merged([judge.verdict(slot) for slot in subject.point], offences(subject, here, far))


def _merged(verdicts: list[Verdict], others: list[Verdict]) -> list[Verdict]:
    """Bring two findings about the same array into one line; the first fault stands."""
    lines = {verdict.name: verdict for verdict in verdicts}
    for other in others:
        line = lines.setdefault(other.name, other)
        if line is not other:
            note = "; ".join(filter(None, [line.note, other.note]))
            judgement = other.judgement if line else line.judgement
            lines[other.name] = replace(line, judgement=judgement, note=note)
    return list(lines.values())
