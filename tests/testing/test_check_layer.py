"""``check_layer`` names the breach of each contract, and accuses no layer that keeps them."""

from __future__ import annotations

import numpy as np
import pytest
from testing.stateful_layers import FAULTY

import xpnet
from xpnet.checks import check_floats, check_upstream
from xpnet.testing import CHECKS, check_layer
from xpnet.testing.catalog import CATALOG

BACKENDS = ["numpy", "array_api_strict"]
X = np.asarray([[-1.0, 2.0, 0.5], [3.0, -4.0, 1.5]])


class Double:
    """Right in everything; the faults below are made from it."""

    def __init__(self):
        self.params = {"scale": xpnet.asarray(np.asarray([2.0, 2.0, 2.0]))}
        self.grads = {}

    def forward(self, x):
        check_floats("Double", x=x, scale=self.params["scale"])
        self.x = x
        return x * self.params["scale"]

    def backward(self, dout):
        check_upstream("Double", dout, x=self.x)
        rows = xpnet.ops.add_backward(dout * self.x, dout, self.params["scale"])[1]
        self.grads["scale"] = rows
        return dout * self.params["scale"]


class WrongNumbersInFloat32(Double):
    def forward(self, x):
        y = super().forward(x)
        return y * 1.001 if "float32" in str(y.dtype) else y


class WrongGradient(Double):
    def backward(self, dout):
        return super().backward(dout) * 1.001


class WrongDtype(Double):
    def forward(self, x):
        xp = x.__array_namespace__()
        return xp.astype(super().forward(x), xp.float64)


class WrongLibrary(Double):
    def forward(self, x):
        return xpnet.to_numpy(super().forward(x))


class ChangesItsInput(Double):
    def forward(self, x):
        x *= 2
        self.x = x / 2
        return x + 0


class ChangesDout(Double):
    def backward(self, dout):
        dx = super().backward(dout)
        dout *= self.params["scale"]
        return dx


class ChangesItsParameter(Double):
    def backward(self, dout):
        dx = super().backward(dout)
        self.params["scale"] += self.grads["scale"]
        return dx


class WantsContiguous(Double):
    def forward(self, x):
        flags = getattr(x, "flags", None)
        return super().forward(x if flags is None or flags.c_contiguous else x * 0)


class WritesToItsInputAndBack(Double):
    def forward(self, x):
        first = (0,) * x.ndim
        if x.shape[0]:
            value = x[first] + 0
            x[first] = 0
            x[first] = value
        return super().forward(x)


class RefusesAnEmptyBatch(Double):
    def forward(self, x):
        if x.shape[0] == 0:
            raise ValueError
        return super().forward(x)


class NaNForAnEmptyBatch(Double):
    def backward(self, dout):
        dx = super().backward(dout)
        if dout.shape[0] == 0:
            self.grads["scale"] = self.grads["scale"] * float("nan")
        return dx


class KnowsTwoAxesOnly(Double):
    def forward(self, x):
        _rows, _columns = x.shape
        return super().forward(x)


class RefusesAnEmptyBatchInWords(Double):
    def forward(self, x):
        if x.shape[0] == 0:
            msg = "Double: there are no samples"
            raise xpnet.ShapeError(msg)
        return super().forward(x)


class ReturnsTwoOutputs(Double):
    def forward(self, x):
        return super().forward(x), x


class NeedsAnOption(Double):
    def forward(self, x, *, factor):
        return super().forward(x) * factor


class ForgetsItsGradient(Double):
    def backward(self, dout):
        return dout * self.params["scale"]


class ReturnsTextForAGradient(Double):
    def backward(self, dout):
        super().backward(dout)
        return "dx"


class ReturnsAGradientTooMany(Double):
    def backward(self, dout):
        return super().backward(dout), None


class KeepsTheAxesOfItsInput(Double):
    def backward(self, dout):
        return super().backward(dout)[None]


class HasNoGrads(Double):
    def __init__(self):
        super().__init__()
        del self.grads


class IsAnotherEachTime(Double):
    count = 0

    def __init__(self):
        super().__init__()
        IsAnotherEachTime.count += 1
        self.params["scale"] = self.params["scale"] * self.count


class CannotBeMade(Double):
    def __init__(self):
        msg = "no such file"
        raise OSError(msg)


class ReadsOnTheHost(Double):
    def forward(self, x):
        xp = x.__array_namespace__()
        return super().forward(x) if xp.all(x == x) else x


class MasksByValue(Double):
    def forward(self, x):
        self.positive = x[x > 0]
        return super().forward(x)


class CannotBePickled(Double):
    def __init__(self):
        super().__init__()
        self.scale_of = lambda: self.params["scale"]


class LetsTheLibraryComplain(Double):
    def backward(self, dout):
        self.grads["scale"] = xpnet.ops.mul_backward(dout, self.x, self.params["scale"])[1]
        return dout * self.params["scale"]

    def forward(self, x):
        self.x = x
        return x * self.params["scale"]


class RoundsItsStoredParameter(Double):
    """Gives other numbers once its parameter has been stored and loaded."""

    def __init__(self):
        super().__init__()
        self.kept = None

    def forward(self, x):
        if self.kept is None:
            self.kept = self.params["scale"]
        self.x = x
        return x * self.params["scale"] * (1 if self.kept is self.params["scale"] else 1.001)


class Owner:
    """Has no parameter of its own, but a layer that has one."""

    def __init__(self, inner):
        self.inner = inner
        self.params, self.grads = {}, {}

    def forward(self, x):
        return self.inner.forward(x)

    def backward(self, dout):
        return self.inner.backward(dout)


FAULTS = [
    (WrongNumbersInFloat32, "same as float64", "differs from NumPy in float64"),
    (WrongGradient, "right gradients", "is wrong: backward gives"),
    (WrongDtype, "home kept", "the output is float64"),
    (WrongLibrary, "home kept", "the output is numpy on cpu"),
    (ChangesItsInput, "arguments unchanged", "forward changes input 0"),
    (ChangesDout, "arguments unchanged", "backward changes dout"),
    (ChangesItsParameter, "arguments unchanged", "backward changes scale"),
    (WantsContiguous, "strided inputs", "differs from contiguous inputs"),
    (WritesToItsInputAndBack, "read-only inputs", "read-only"),
    (RefusesAnEmptyBatch, "empty batch", "ValueError"),
    (NaNForAnEmptyBatch, "empty batch", "the gradient of scale is [nan nan nan]"),
    (RefusesAnEmptyBatchInWords, "empty batch", "is refused, which every layer has to take"),
    (ReturnsTwoOutputs, "runs", "forward returns a tuple of 2, but the checks need one array"),
    (NeedsAnOption, "runs", "missing 1 required keyword-only argument: 'factor'"),
    (ForgetsItsGradient, "runs", "grads has no 'scale', which is in params"),
    (ReturnsTextForAGradient, "runs", "backward returns a str for a gradient"),
    (ReturnsAGradientTooMany, "runs", "backward returns 2 gradients, but there are 1 inputs"),
    (KeepsTheAxesOfItsInput, "runs", "has shape (1, 2, 3), but input 0 has shape (2, 3)"),
    (HasNoGrads, "runs", "HasNoGrads lacks grads"),
    (IsAnotherEachTime, "runs", "the factory makes another scale each time"),
    (CannotBeMade, "runs", "the factory raises OSError: no such file"),
    (KnowsTwoAxesOnly, "any rank", "too many values to unpack"),
    (ReadsOnTheHost, "no host reads", "__bool__ reads an array's value"),
    (RoundsItsStoredParameter, "moves between backends", "differs from that of a layer not moved"),
    (CannotBePickled, "pickles", "local object"),
    (LetsTheLibraryComplain, "same errors", "on NumPy"),
    (MasksByValue, "no host reads", "boolean_indexing flag has been disabled"),
]


def test_a_layer_without_fault_is_not_accused():
    report = check_layer(Double, X, backends=BACKENDS)

    assert report, report


@pytest.mark.parametrize(
    ("fault", "check", "words"), FAULTS, ids=lambda x: getattr(x, "__name__", "")
)
def test_a_fault_is_named(fault, check, words):
    report = check_layer(fault, X, backends=BACKENDS)

    sentences = [finding.sentence for finding in report.failures if finding.check == check]
    assert not report
    assert any(words in sentence for sentence in sentences), report


OF_PARAMETERS = [
    *(ChangesItsParameter, NaNForAnEmptyBatch, ForgetsItsGradient),
    *(IsAnotherEachTime, RoundsItsStoredParameter),
]


@pytest.mark.parametrize("fault", OF_PARAMETERS)
def test_a_fault_with_a_parameter_of_a_layer_inside_is_named(fault):
    ((check, words),) = [(check, words) for each, check, words in FAULTS if each is fault]

    report = check_layer(lambda: Owner(fault()), X, backends=BACKENDS)

    sentences = [finding.sentence for finding in report.failures if finding.check == check]
    words = words.replace("scale", "inner.scale")
    assert any(words in sentence for sentence in sentences), report


def test_a_loss_and_a_net_pass():
    assert check_layer(lambda: Owner(Double()), X, backends=BACKENDS)
    t = np.asarray([0, 2])

    assert check_layer(xpnet.SoftmaxWithLoss, X, t, backends=BACKENDS)
    assert check_layer(lambda: xpnet.TwoLayerNet(3, 4, 2, seed=0), X, backends=BACKENDS)


def test_a_layer_that_jax_cannot_trace_is_named():
    pytest.importorskip("jax", reason="JAX is not installed: run nox -s tests_backends")

    report = check_layer(ReadsOnTheHost, X, backends=["jax"])

    assert any(finding.check == "same under jit" for finding in report.failures), report


def test_an_unknown_check_cannot_be_skipped():
    with pytest.raises(ValueError, match="no check is called nope"):
        check_layer(Double, X, skip=["nope"])


def test_every_check_can_fail():
    found = {check for _, check, _ in FAULTS} | {check for _, check in FAULTY}
    assert found == set(CHECKS) - {"same under jit"}


def test_the_skips_of_the_catalog_name_checks():
    assert {check for case in CATALOG for check in case.skip} <= set(CHECKS)
