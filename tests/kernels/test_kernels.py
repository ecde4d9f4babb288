"""Every kernel that is registered here, held against the generic op that it copies."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.arguments import arguments, call, labels_of

import xpnet
from xpnet import kernels
from xpnet.backend import resolve_backend
from xpnet.dispatch import providers_of
from xpnet.numerics.sums import MANY
from xpnet.ops.op import OPS
from xpnet.testing.tolerance import tolerance, underflow

BACKENDS = [
    name
    for name, status in xpnet.available_backends().items()
    if status.available and resolve_backend(name).adapter.kernels
]
KERNELS = [
    kernel
    for name in BACKENDS
    for provider in providers_of(resolve_backend(name).adapter)
    for kernel in provider.kernels.values()
    if not kernel.op.endswith("_update")  # test_updates.py
]


def each(kernels):
    """Run a test with each kernel, and with each kind of labels if it takes any."""
    names = {
        (kernel, labels): f"{kernel.backend}-{kernel.provider}-{kernel.op}-{labels}"
        for kernel in kernels
        for labels in labels_of(kernel.op)
    }
    ids = [name.removesuffix("-None") for name in names.values()]
    return pytest.mark.parametrize(("kernel", "labels"), list(names), ids=ids)


each_kernel = each(KERNELS)
each_of_numpy = each([kernel for kernel in KERNELS if kernel.backend == "numpy"])
of_torch = [kernel for kernel in KERNELS if kernel.backend == "torch"]
each_of_torch = pytest.mark.parametrize("kernel", of_torch, ids=[kernel.op for kernel in of_torch])
# A matrix product spreads special values over whole rows.
each_but_products = each([kernel for kernel in KERNELS if "affine" not in kernel.op])

# What adds up each row of its first argument.
ADD_ROWS = {
    "affine",
    "affine_relu",
    "log_softmax",
    "log_softmax_backward",
    "softmax",
    "softmax_backward",
    "softmax_with_loss",
    "softmax_with_loss_backward",
}

# The third has rows longer than a block of NumPy's kernels, the fourth one that threads share.
SHAPES = [(1, 1), (5, 7), (2, 140_000), (500, 1025), (2, 3, 33), (17,), (270_000,)]


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def takes_labels(kernel, labels):
    return labels in (None, "indices") or kernel.provider in ("numpy", "numba", "jax")


def outcome(kernel, args):
    """Return what the op gives with this kernel alone, and whether the kernel ran."""
    with kernels.only(kernel.provider), kernels.watch() as ran:
        result = call(kernel.op, *args)
    return [xpnet.to_numpy(array) for array in as_tuple(result)], kernel in ran


def assert_agrees(kernel, labels, x, seed=0, special=False):
    """Hold a kernel against the generic op, and return whether it ran."""
    backend = resolve_backend(kernel.backend, dtype=str(x.dtype))
    host = arguments(kernel.op, labels, x, np.random.default_rng(seed))
    args = [xpnet.asarray(a, xp=backend) if isinstance(a, np.ndarray) else a for a in host]
    found, ran = outcome(kernel, args)
    with kernels.disabled():
        expected = [xpnet.to_numpy(array) for array in as_tuple(call(kernel.op, *args))]
    allowed = tolerance(x.dtype, max(*x.shape, 2))
    for actual, truth in zip(found, expected, strict=True):
        assert (actual.shape, actual.dtype) == (truth.shape, truth.dtype)
        finite = np.isfinite(truth)
        scale = np.max(np.abs(truth[finite]), initial=0.0)
        if not special:
            # Sums of products cancel: what they may be off by goes by their terms.
            scale = max(scale, 1.0) * (np.sqrt(x.size) if "affine" in kernel.op else 1.0)
        np.testing.assert_array_equal(actual[~finite], truth[~finite])
        np.testing.assert_allclose(
            actual[finite],
            truth[finite],
            rtol=allowed,
            atol=allowed * scale + underflow(x.dtype, max(x.shape)),
        )
    return ran


def test_every_kernel_is_of_an_op_with_arguments_here():
    x = np.ones((2, 3))

    assert KERNELS
    for kernel in KERNELS:
        assert arguments(kernel.op, None, x, np.random.default_rng(0))


@each_kernel
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_kernel_agrees_with_its_op(kernel, labels, shape, dtype):
    x = 3 * np.random.default_rng(1).standard_normal(shape)

    ran = assert_agrees(kernel, labels, x.astype(dtype))

    # Some of PyTorch's take matrices only; one index of shape () is worth no kernel.
    takes_any_rank = kernel.provider != "torch" and "loss" not in kernel.op
    if "affine" in kernel.op and kernel.backend == "numpy" and shape[-1] == 1:
        assert not ran  # NumPy's dot would take a matrix of one number for a factor
    elif kernel.backend == "numpy" and kernel.op in ADD_ROWS and shape[-1] > MANY:
        assert not ran  # the op adds in blocks, which keeps more digits
    elif labels not in (None, "indices"):
        assert ran == takes_labels(kernel, labels)
    else:
        assert ran or not (takes_any_rank or len(shape) == 2)


@each_but_products
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_kernel_agrees_with_its_op_on_special_values(kernel, labels, dtype):
    largest = float(np.finfo(dtype).max)
    tiny = float(np.finfo(dtype).smallest_subnormal)
    rows = [
        [0.0, 1.0, -1.0, 2.0],
        [1e4, -1e4, 0.0, 1e4],
        [-1e4, -1e4, -1e4, -1e4],
        [3.0, 3.0, 3.0, 3.0],
        [-np.inf, 0.0, 1.0, 2.0],
        [-np.inf, -np.inf, -np.inf, -np.inf],
        [np.inf, 0.0, 1.0, 2.0],
        [np.nan, 0.0, 1.0, 2.0],
        [0.0, 1.0, 2.0, np.nan],
        [tiny, -tiny, 0.0, -0.0],
        [largest / 2, -largest / 2, 0.0, 1.0],
        [-90.0, -100.0, 0.0, -87.5],
        [-700.0, -740.0, 0.0, -708.5],
    ]

    ran = assert_agrees(kernel, labels, np.asarray(rows, dtype=dtype), special=True)

    assert ran == takes_labels(kernel, labels)


LOSSES = {"softmax_with_loss", "softmax_with_loss_backward"}
# In which the first layer of a net gets its batch: no copy of that shall make a difference.
TAKE_OTHER_LAYOUTS = {
    "affine",
    "affine_backward",
    "affine_param_gradients",
    "affine_relu",
    "dropout",
    "relu",
    "sigmoid",
}
LAYOUTS = {
    "every second column": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
    "by columns": np.asfortranarray,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@each([k for k in KERNELS if k.backend == "numpy" and k.op not in TAKE_OTHER_LAYOUTS])
def test_a_layout_that_a_kernel_does_not_take_goes_to_the_generic_op(kernel, labels, layout, dtype):
    x = layout(np.random.default_rng(2).standard_normal((6, 5)).astype(dtype))
    args = arguments(kernel.op, labels, x, np.random.default_rng(3))
    args = [layout(np.array(a)) if np.ndim(a) == 2 else a for a in args]

    assert_is_generic(kernel, args)


def assert_is_generic(kernel, args):
    found, ran = outcome(kernel, args)

    with kernels.disabled():
        expected = as_tuple(call(kernel.op, *args))
    for actual, truth in zip(found, expected, strict=True):
        np.testing.assert_array_equal(actual, truth)
    assert not ran


def may_lie_anyhow(kernel, args):
    """Return which arguments a kernel takes in any layout: inputs of a net, and labels."""
    if "affine_" in kernel.op and "relu" not in kernel.op:
        return args[1:2]
    return [args[OPS[kernel.op].names.index("t")]] if "loss" in kernel.op else args[:1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@each([k for k in KERNELS if k.backend == "numpy" and k.op in TAKE_OTHER_LAYOUTS | LOSSES])
def test_inputs_and_labels_are_taken_in_any_layout(kernel, labels, layout, dtype):
    x = np.random.default_rng(2).standard_normal((6, 5)).astype(dtype)
    args = arguments(kernel.op, labels, x, np.random.default_rng(3))
    (any_layout,) = may_lie_anyhow(kernel, args)
    given = [layout(a) if a is any_layout else a for a in args]

    found, ran = outcome(kernel, given)

    assert ran
    with kernels.disabled():
        expected = as_tuple(call(kernel.op, *args))
    for actual, truth in zip(found, expected, strict=True):
        assert actual.flags.c_contiguous or (kernel.op == "relu" and actual.flags.f_contiguous)
        np.testing.assert_allclose(actual, truth, rtol=tolerance(x.dtype, 6), atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@each([k for k in KERNELS if k.backend == "numpy" and k.op in TAKE_OTHER_LAYOUTS])
def test_weights_and_results_of_another_layout_go_to_the_generic_op(kernel, labels, layout, dtype):
    x = np.random.default_rng(2).standard_normal((6, 5)).astype(dtype)
    args = list(arguments(kernel.op, labels, x, np.random.default_rng(3)))
    if "affine" in kernel.op:
        args = [layout(a) if np.shape(a) == (5, 3) else a for a in args]
        if kernel.op == "affine_param_gradients":  # which reads but the shape of the weights
            args[0] = layout(args[0])
    else:
        args[-1] = layout(np.zeros_like(x))

    assert_is_generic(kernel, args)


STRIDED = {
    "transposed": lambda a: a.T.contiguous().T,
    "every second column": lambda a: a.repeat_interleave(2, 1)[:, ::2],
    "every third row": lambda a: a.repeat_interleave(3, 0)[1::3],
    "one row again and again": lambda a: a[:1].expand(a.shape),
}


def strided(a, layout):
    """Return a tensor that is not contiguous, of the same values but for the last layout."""
    view = STRIDED[layout](a) if a.ndim == 2 else a.repeat_interleave(2)[::2]
    assert not view.is_contiguous()
    return view


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", STRIDED)
@each_of_torch
def test_a_kernel_of_pytorch_takes_any_strides(kernel, layout, dtype):
    backend = resolve_backend("torch", dtype=dtype)
    x = np.random.default_rng(7).standard_normal((6, 5)).astype(dtype)
    args = [
        strided(xpnet.asarray(a, xp=backend), layout) if isinstance(a, np.ndarray) else a
        for a in arguments(kernel.op, None, x, np.random.default_rng(8))
    ]

    found, ran = outcome(kernel, args)

    assert ran
    with kernels.disabled():
        expected = [xpnet.to_numpy(array) for array in as_tuple(call(kernel.op, *args))]
    allowed = tolerance(x.dtype, x.size)
    for actual, truth in zip(found, expected, strict=True):
        assert (actual.shape, actual.dtype) == (truth.shape, truth.dtype)
        np.testing.assert_allclose(actual, truth, rtol=allowed, atol=allowed)


@pytest.mark.parametrize("layout", [name for name in STRIDED if "again" not in name])
def test_pytorch_updates_a_parameter_of_any_strides_and_nothing_beside_it(layout):
    pytest.importorskip("torch")
    host = np.arange(30.0, dtype="float32").reshape(6, 5)
    W, dW = (strided(xpnet.asarray(host, xp="torch"), layout) for _ in range(2))
    params, whole = {"W": W}, W._base.clone()

    with kernels.only("torch"), kernels.watch() as ran:
        xpnet.SGD(lr=0.5).update(params, {"W": dW})

    assert [kernel.op for kernel in ran] == ["sgd_update"]
    assert params["W"] is W
    np.testing.assert_array_equal(W.numpy(), host / 2)
    changed = int((W._base != whole).sum())
    assert changed == host.size - 1  # all but the 0


@each_kernel
def test_sixteen_bits_go_to_the_generic_op_unless_the_kernel_is_compiled_from_it(kernel, labels):
    x = np.random.default_rng(4).standard_normal((6, 5)).astype("float16")

    assert assert_agrees(kernel, labels, x) == (kernel.provider == "jax")


@each_kernel
def test_an_empty_batch_is_right_whoever_does_it(kernel, labels):
    assert_agrees(kernel, labels, np.zeros((0, 5), dtype="float32"))


@each_kernel
def test_a_kernel_changes_none_of_its_arguments(kernel, labels):
    backend = resolve_backend(kernel.backend)
    x = np.random.default_rng(5).standard_normal((6, 5)).astype("float32")
    args = [
        xpnet.asarray(a, xp=backend) if isinstance(a, np.ndarray) else a
        for a in arguments(kernel.op, labels, x, np.random.default_rng(6))
    ]
    before = [np.array(xpnet.to_numpy(a)) if hasattr(a, "shape") else a for a in args]

    outcome(kernel, args)

    for argument, copy in zip(args, before, strict=True):
        if hasattr(argument, "shape"):
            np.testing.assert_array_equal(xpnet.to_numpy(argument), copy)


@pytest.mark.parametrize("name", BACKENDS)
def test_a_large_upstream_gradient_does_not_overflow_in_half_precision(name):
    y = xpnet.asarray(np.full((100, 4), 0.25), xp=name, dtype="float16")
    t = xpnet.asarray(np.zeros(100, dtype="int32"), xp=name)

    dx = xpnet.to_numpy(xpnet.ops.softmax_with_loss_backward(2.0**17, y, t))

    np.testing.assert_allclose(dx[0], np.asarray([-3, 1, 1, 1]) * 2**15 / 100, rtol=1e-3)
