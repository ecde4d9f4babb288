"""What looks like an array and computes otherwise is refused wherever an array goes in."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import xpnet
from xpnet import Affine, UnsupportedArrayError, ops

W = np.asarray([[1.0, -2.0], [3.0, 4.0]])


class Doubling(np.ndarray):
    """Has a product of its own."""

    def __mul__(self, other):
        return 2 * np.asarray(self) * np.asarray(other)


class Counting(np.ndarray):
    """Intercepts NumPy's functions."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        raise AssertionError


class Named(np.ndarray):
    """Knows a name, and computes as an array does."""

    def __new__(cls, array, name="x"):
        named = np.asarray(array).view(cls)
        named.name = name
        return named

    def __array_finalize__(self, array):
        self.name = getattr(array, "name", "x")

    def __repr__(self):
        return self.name


def matrix():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.matrix(W)


REFUSED = {
    "matrix": (matrix, "np.asarray("),
    "masked": (lambda: np.ma.masked_less(W, 0), "np.ma.filled("),
    "masked of nothing": (lambda: np.ma.asarray(W), "np.ma.filled("),
    "records": (lambda: W.view(np.recarray), "np.asarray("),
    "own product": (lambda: W.view(Doubling), "np.asarray("),
    "own ufuncs": (lambda: W.view(Counting), "np.asarray("),
}

CALLS = {
    "x": lambda bad: ops.relu(bad),
    "dout": lambda bad: ops.relu_backward(bad, W),
    "y": lambda bad: ops.relu_backward(W, bad),
    "W": lambda bad: Affine(bad, np.ones(2)),
    "t": lambda bad: ops.softmax_with_loss(W, bad),
    "out": lambda bad: ops.softmax(W, out=bad),
    "grad": lambda bad: ops.sgd_update(W, bad, 0.1),
    "params['W']": lambda bad: xpnet.Adam().update({"W": bad}, {"W": W}),
}


def numbers():
    """Places where no layer asks, and so the text begins with the array."""
    return {
        "asarray": xpnet.asarray,
        "asarray of a list": lambda bad: xpnet.asarray([bad, bad]),
        "to_numpy": xpnet.to_numpy,
    }


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("name", CALLS)
def test_ops_and_layers_refuse_it_and_name_the_cure(kind, name):
    make, cure = REFUSED[kind]
    with pytest.raises(UnsupportedArrayError) as caught:
        CALLS[name](make())
    text = str(caught.value)
    assert f": {name} is a " in text
    assert "computes otherwise than an array" in text
    assert f"{cure}{name}" in text
    assert isinstance(caught.value, xpnet.BackendMismatchError)


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("place", numbers())
def test_conversions_refuse_it_too(kind, place):
    make, cure = REFUSED[kind]
    with pytest.raises(UnsupportedArrayError, match=r"^x is a .*computes otherwise") as caught:
        numbers()[place](make())
    assert cure in str(caught.value)


def test_a_mapped_file_and_a_subclass_that_overrides_nothing_are_arrays(tmp_path):
    np.save(tmp_path / "W.npy", W)
    for array in (np.load(tmp_path / "W.npy", mmap_mode="r"), Named(W)):
        np.testing.assert_array_equal(ops.relu(array), ops.relu(W))
        np.testing.assert_array_equal(ops.softmax_backward(array, W), ops.softmax_backward(W, W))
        np.testing.assert_array_equal(Affine(array, np.zeros(2)).forward(W), W @ W)
        assert type(xpnet.asarray(array)) is np.ndarray


def test_sparse_matrices_of_scipy():
    sparse = pytest.importorskip("scipy.sparse")
    for f in (ops.relu, lambda x: ops.add(W, x), xpnet.asarray):
        with pytest.raises(UnsupportedArrayError, match=r"csr_array.*use [xy]\.toarray\(\)"):
            f(sparse.csr_array(W))


def torch_tensors():
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        dense = torch.asarray(W, dtype=torch.float32)
        yield dense.to_sparse(), "to_dense"
        yield dense.to_sparse_csr(), "to_dense"
        yield torch.nested.nested_tensor([dense[0], dense[1]]), "plain torch.Tensor"
        yield torch.nested.nested_tensor([dense[0]], layout=torch.jagged), "plain torch.Tensor"
        yield torch.quantize_per_tensor(dense, 0.1, 0, torch.quint8), "dequantize"
        yield torch.masked.masked_tensor(dense, dense > 0), "plain torch.Tensor"


def test_tensors_of_torch():
    for bad, cure in torch_tensors():
        like = xpnet.asarray(W, xp="torch")
        for f in (
            ops.relu,
            lambda x, like=like: ops.add(like, x),
            lambda x, like=like: ops.relu_backward(x, like),
            lambda x, like=like: ops.sgd_update(like, x, 0.1),
            lambda x: xpnet.asarray(x, xp="torch"),
            xpnet.to_numpy,
        ):
            with pytest.raises(UnsupportedArrayError, match=cure):
                f(bad)


def test_keys_of_jax():
    jax = pytest.importorskip("jax")
    key = jax.random.key(0)
    for f in (ops.relu, xpnet.asarray, xpnet.to_numpy):
        with pytest.raises(UnsupportedArrayError, match=r"use jax.random.key_data\(x\)"):
            f(key)
