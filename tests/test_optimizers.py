"""Optimizers: the step they take, and what they leave alone."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet import SGD
from xpnet.backends import adapter_of
from xpnet.testing import tolerance

W = np.asarray([[1.0, -2.0], [0.5, 4.0]])
DW = np.asarray([[0.25, 3.0], [-1.0, 0.0]])
WRITABLE = ("numpy", "torch", "cupy", "array_api_strict")


def arrays(backend):
    return {"W": xpnet.asarray(W.copy(), xp=backend)}, {"W": xpnet.asarray(DW.copy(), xp=backend)}


def test_sgd_goes_against_the_gradient(xpnet_backend):
    params, grads = arrays(xpnet_backend)

    SGD(lr=0.1).update(params, grads)

    found = params["W"]
    assert adapter_of(found) is xpnet_backend.adapter
    assert found.device == xpnet_backend.device
    assert found.dtype == xpnet_backend.dtype
    np.testing.assert_allclose(
        xpnet.to_numpy(found).astype("float64"), W - 0.1 * DW, rtol=tolerance(found.dtype, 1)
    )


def test_sgd_writes_into_the_array_where_the_library_can(xpnet_backend):
    params, grads = arrays(xpnet_backend)
    array = params["W"]
    before = xpnet.to_numpy(array).copy()

    SGD(lr=0.5).update(params, grads)

    is_new = not np.array_equal(xpnet.to_numpy(array), before)
    assert (params["W"] is array) == is_new == (xpnet_backend.name in WRITABLE)


def test_sgd_does_not_change_the_gradients(xpnet_backend):
    params, grads = arrays(xpnet_backend)
    array = grads["W"]

    SGD(lr=0.5).update(params, grads)

    assert grads == {"W": array}
    assert np.array_equal(xpnet.to_numpy(array), DW)


def test_sgd_with_a_rate_of_0_changes_nothing(xpnet_backend):
    params, grads = arrays(xpnet_backend)

    SGD(lr=0).update(params, grads)

    assert np.array_equal(xpnet.to_numpy(params["W"]), W)


@pytest.mark.parametrize("lr", [1, 0.5, np.float64(0.5), np.float32(0.5), np.int64(1)])
def test_the_kind_of_number_does_not_change_the_dtype(lr, xpnet_backend):
    params, grads = arrays(xpnet_backend)

    SGD(lr).update(params, grads)

    assert params["W"].dtype == xpnet_backend.dtype
    np.testing.assert_array_equal(xpnet.to_numpy(params["W"]), W - float(lr) * DW)


def test_gradients_of_no_parameter_are_ignored():
    params, grads = arrays(xpnet.set_backend("numpy"))

    SGD(lr=0.5).update(params, grads | {"V": np.ones(3)})

    assert list(params) == ["W"]
    np.testing.assert_array_equal(params["W"], W - 0.5 * DW)


def test_after_a_mistake_in_one_gradient_no_parameter_has_changed():
    params = {"W": np.ones(3), "b": np.ones(2)}
    grads = {"W": np.ones(3), "b": np.ones(3)}

    with pytest.raises(xpnet.ShapeError, match="'b'"):
        SGD().update(params, grads)

    np.testing.assert_array_equal(params["W"], 1)


def test_the_rate_can_be_changed_between_steps():
    params, grads = {"W": np.ones(1)}, {"W": np.ones(1)}
    optimizer = SGD(lr=0.5)

    optimizer.update(params, grads)
    optimizer.lr = 0.25
    optimizer.update(params, grads)

    assert params["W"] == 0.25
    assert repr(optimizer) == "SGD(lr=0.25)"
