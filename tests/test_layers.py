"""What layers do beside forward and backward: where they are made, how they move and print."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet.ops import add_backward, mul_backward
from xpnet.ops.fused import affine_relu


def where(array) -> tuple[str, str]:
    """Return the module and the device of an array."""
    return type(array).__module__.split(".")[0], str(array.device)


def test_affine_takes_its_arrays_to_the_backend_that_it_is_given():
    W, b = np.asarray([[1.0, 2.0]]), np.asarray([3.0, 4.0])
    with xpnet.use_backend("array_api_strict", device="device1", dtype="float64") as backend:
        pass

    layer = xpnet.Affine(W, b, xp=backend)

    for found, given in ((layer.W, W), (layer.b, b)):
        assert where(found)[0] == "array_api_strict"
        assert "device1" in where(found)[1]
        np.testing.assert_array_equal(xpnet.to_numpy(found), given, strict=True)


def test_affine_without_a_backend_works_on_the_very_arrays():
    W, b = np.asarray([[1.0, 2.0]]), np.asarray([3.0, 4.0])

    layer = xpnet.Affine(W, b)

    assert layer.W is W
    assert layer.b is b


def test_to_another_dtype_keeps_library_and_device():
    layer = xpnet.Affine.random(2, 3, seed=0)
    layer.to("array_api_strict", device="device1")

    layer.to(dtype="float64")

    assert where(layer.W)[0] == "array_api_strict"
    assert "device1" in where(layer.W)[1]
    assert "float64" in str(layer.W.dtype)


def test_to_another_device_keeps_library_and_dtype():
    layer = xpnet.Affine.random(2, 3, seed=0)
    layer.to("array_api_strict", dtype="float64")

    layer.to(device="device1")

    assert where(layer.W)[0] == "array_api_strict"
    assert "device1" in where(layer.W)[1]
    assert "float64" in str(layer.W.dtype)


def test_to_another_library_keeps_the_dtype():
    layer = xpnet.Affine.random(2, 3, seed=0).to(dtype="float64")

    assert "float64" in str(layer.to("array_api_strict").W.dtype)


def test_a_layer_that_was_given_a_backend_stays_on_its_device():
    with xpnet.use_backend("array_api_strict", device="device1") as backend:
        layer = xpnet.ReLU(xp=backend).to(dtype="float64")
        x = xpnet.asarray([1.0])

    assert float(layer.forward(x)[0]) == 1
    with pytest.raises(xpnet.BackendMismatchError, match="ReLU"):
        layer.forward(np.asarray([1.0]))


def test_a_loss_that_was_given_a_backend_refuses_inputs_from_elsewhere():
    layer = xpnet.SoftmaxWithLoss(xp="array_api_strict")

    with pytest.raises(xpnet.BackendMismatchError, match="SoftmaxWithLoss"):
        layer.forward(np.zeros((1, 2)), np.asarray([0]))


def test_before_forward_a_loss_has_nothing_to_show():
    layer = xpnet.SoftmaxWithLoss()

    assert (layer.loss, layer.y, layer.t) == (None, None, None)


def test_layers_print_what_they_hold():
    assert repr(xpnet.Affine.random(2, 3, seed=0)) == "Affine(W(2, 3), b(3,))"
    assert repr(xpnet.ReLU()) == "ReLU()"
    assert repr(xpnet.Dropout(0.25, seed=0)) == "Dropout(0.25)"


@pytest.mark.parametrize(
    ("x", "y"),
    [((4,), (5, 4)), ((2, 1), (2, 2)), ((), (2,)), ((1, 3), (2, 1)), ((3, 1, 2), (2, 2))],
    ids=str,
)
@pytest.mark.parametrize("backward", [add_backward, mul_backward])
def test_a_gradient_is_summed_over_every_axis_that_was_repeated(x, y, backward):
    shape = np.broadcast_shapes(x, y)
    dout = np.random.default_rng(0).standard_normal(shape)

    for gradient, own in zip(backward(dout, np.ones(x), np.ones(y)), (x, y), strict=True):
        ones = np.ones(own)
        expected = [(dout * (entry.reshape(own))).sum() for entry in np.eye(ones.size)]
        np.testing.assert_allclose(gradient, np.reshape(expected, own))


def test_seeds_that_nobody_gave_come_from_all_64_bits():
    assert max(xpnet.Dropout().seed for _ in range(8)) > 2**56


def test_affine_relu_is_relu_of_affine(xpnet_backend):
    def arrays(*hosts):
        return [xpnet.asarray(host, xp=xpnet_backend) for host in hosts]

    x, W, b = arrays(np.asarray([[2.0, 3.0]]), np.asarray([[1.0, -1.0], [0.5, -2.0]]), np.ones(2))

    np.testing.assert_array_equal(xpnet.to_numpy(affine_relu(x, W, b)), [[4.5, 0.0]])
    with pytest.raises(xpnet.ShapeError, match=r"xpnet.ops.affine_relu: x has shape"):
        affine_relu(*arrays(np.ones((1, 3))), W, b)
    with pytest.raises(xpnet.ShapeError, match=r"xpnet.ops.affine_relu: W has shape"):
        affine_relu(x, W, *arrays(np.ones(3)))
