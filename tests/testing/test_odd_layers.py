"""Layers that are right though odd: ``check_layer`` accuses none of them."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet.arrays import array_namespace
from xpnet.checks import check_floats, check_upstream
from xpnet.testing import check_layer

BACKENDS = ["numpy", "array_api_strict"]
X = np.random.default_rng(0).standard_normal((3, 4))
INDICES = np.asarray([2, 0, 1])


class Bare:
    """What a layer is at least, without a base class."""

    def __init__(self):
        self.params, self.grads = {}, {}


class LayerNorm(Bare):
    """Its gradient along x itself is 0, which a ``dout`` equal to x would take for wrong."""

    def forward(self, x):
        check_floats("LayerNorm", x=x)
        xp = array_namespace(x)
        centered = x - xp.mean(x, axis=-1, keepdims=True)
        self.std = xp.sqrt(xp.mean(centered**2, axis=-1, keepdims=True) + 1e-5)
        self.y = centered / self.std
        return self.y

    def backward(self, dout):
        xp = check_upstream("LayerNorm", dout, x=self.y)
        along = xp.mean(dout * self.y, axis=-1, keepdims=True)
        return (dout - xp.mean(dout, axis=-1, keepdims=True) - self.y * along) / self.std


class Pick(Bare):
    """The rows of a matrix; its only input is of integers."""

    def __init__(self):
        super().__init__()
        self.params["W"] = xpnet.asarray(X)

    def forward(self, t):
        if "int" not in str(t.dtype):
            msg = f"Pick: t is {t.dtype}, not of integers"
            raise xpnet.DTypeError(msg)
        self.xp, self.W = array_namespace(t), self.params["W"]
        self.one_hot = self.xp.astype(
            t[..., None] == self.xp.arange(3, device=t.device), self.W.dtype
        )
        return self.one_hot @ self.W

    def backward(self, dout):
        if dout.shape != (*self.one_hot.shape[:-1], 4):
            msg = f"Pick: dout has shape {dout.shape}"
            raise xpnet.ShapeError(msg)
        rows, dy = (self.xp.reshape(a, (-1, a.shape[-1])) for a in (self.one_hot, dout))
        self.grads["W"] = rows.T @ dy
        return self.answer

    answer = None


class PickWithATuple(Pick):
    answer = (None,)


class Mask(Bare):
    """Its first input is of integers and has no gradient, its second has one."""

    def forward(self, mask, x):
        if "int" not in str(mask.dtype):
            msg = f"Mask: it is {mask.dtype}"
            raise xpnet.DTypeError(msg)
        xp = check_floats("Mask", x=x)
        self.mask = xp.astype(mask, x.dtype)
        return x * self.mask

    def backward(self, dout):
        check_upstream("Mask", dout, x=self.mask)
        return None, dout * self.mask


class RowsOnly(xpnet.ReLU):
    def forward(self, x):
        if x.ndim != 2:
            msg = f"RowsOnly: x has {x.ndim} axes, not 2"
            raise xpnet.ShapeError(msg)
        return super().forward(x)


class Identity(Bare):
    """It returns the very arrays that it was given."""

    def forward(self, x):
        check_floats("Identity", x=x)
        self.x = x
        return x

    def backward(self, dout):
        check_upstream("Identity", dout, x=self.x)
        return dout


class Backwards(Identity):
    """It returns views of them."""

    def forward(self, x):
        return super().forward(x)[..., ::-1]

    def backward(self, dout):
        return super().backward(dout)[..., ::-1]


class Turns(Identity):
    """It counts its calls, and does something else each time."""

    counters = ("count",)
    count = 0

    def forward(self, x):
        self.count += 1
        self.factor = self.count + 1
        return super().forward(x) * self.factor

    def backward(self, dout):
        return super().backward(dout) * self.factor


class DoesWithoutDx(xpnet.Affine):
    def __init__(self):
        super().__init__(xpnet.asarray(X.T), xpnet.asarray(X[:, 0]))

    def backward(self, dout, *, need_dx=True):
        dx = super().backward(dout)
        return dx if need_dx else None


class HasAnOption(Identity):
    def forward(self, x, *, factor=1):
        return super().forward(x) * factor


class ReturnsAList(xpnet.MulLayer):
    def backward(self, dout):
        return list(super().backward(dout))


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (LayerNorm, [X]),
        (Pick, [INDICES]),
        (PickWithATuple, [INDICES]),
        (Mask, [np.asarray([[1], [0], [1]]) * np.ones((1, 4), dtype="int64"), X]),
        (RowsOnly, [X]),
        (Identity, [X]),
        (Backwards, [X]),
        (Turns, [X]),
        (DoesWithoutDx, [X]),
        (HasAnOption, [X]),
        (ReturnsAList, [X, X]),
        (Identity, [np.asarray(0.5)]),
        (Identity, [X.astype("float16")]),
        (Identity, [X.T[::2]]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_it_is_not_accused(layer, inputs):
    report = check_layer(layer, *inputs, backends=BACKENDS, skip="pickles")

    assert report, report
    assert "right gradients" in {f.check for f in report.findings if f.verdict == "passed"}


def test_a_rank_that_is_refused_in_words_is_told():
    report = check_layer(RowsOnly, X, backends="numpy")

    assert "not run  any rank                 everywhere: a further axis is refused" in str(report)


def test_a_gradient_that_is_missing_is_still_found():
    class Forgets(Mask):
        def backward(self, dout):
            return None, None

    report = check_layer(Forgets, X.astype("int64"), X, backends="numpy", skip="pickles")

    assert [finding.check for finding in report.failures] == ["right gradients"]
    assert "x is missing" in str(report)
