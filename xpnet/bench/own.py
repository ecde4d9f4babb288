"""xpnet as a contender: layer by layer, and as a compiled step, on one backend."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np

import xpnet
from xpnet.bench.contender import Contender, Job, Unavailable

__all__ = ["Compiled", "Eager", "numpy_contenders"]

# What kernels may run: all that are there, those that need nothing but NumPy, none.
_KERNELS = {"": None, " (no numba)": "numpy", " (no kernels)": "off"}


class _Own(Contender):
    role: ClassVar[str] = "own"
    manner: ClassVar[str] = ""

    def __init__(self, backend: str, device: str | None = None, kernels: str = "") -> None:
        where = backend if device is None or "cpu" in device else f"{backend} {device}"
        self.name = f"xpnet {where}{self.manner}{kernels}"
        self._choice = backend, device
        self.kernels = _KERNELS[kernels]

    def load(self) -> None:
        name, device = self._choice
        try:
            with xpnet.use_backend(name, device=device, dtype=self.dtype) as backend:
                self.backend = backend
        except xpnet.BackendUnavailableError as error:
            raise Unavailable(str(error)) from error
        if self.kernels and find_spec("xpnet.kernels") is None:
            msg = "this xpnet has no kernels"
            raise Unavailable(msg)
        if self.kernels == "numpy" and find_spec("numba") is None:
            msg = "numba is not installed, so the row without this remark is the same"
            raise Unavailable(msg)

    def array(self, host: np.ndarray[Any, Any]) -> Any:
        return xpnet.asarray(host, xp=self.backend)

    def wait(self, result: Any) -> None:
        self.backend.adapter.synchronize(*result)

    def around(self) -> AbstractContextManager[Any]:
        if self.kernels is None:
            return nullcontext()
        from xpnet import kernels

        return kernels.disabled() if self.kernels == "off" else kernels.only(self.kernels)

    def _net(self, params: Sequence[Any]) -> xpnet.TwoLayerNet:
        W1, b1, W2, b2 = params
        (D, H), (C,) = W1.shape, b2.shape
        net = xpnet.TwoLayerNet(D, H, C, xp=self.backend)
        net.params.update(W1=W1, b1=b1, W2=W2, b2=b2)
        return net


class Eager(_Own):
    """Ops and layers, called one by one."""

    def softmax(self, x: Any) -> Job:
        y = self.backend.xp.empty_like(x)
        softmax: Any = xpnet.ops.softmax
        try:
            softmax(x, out=y)
        except TypeError:  # JAX's arrays cannot be written to; early revisions had no out=
            return Job(lambda x: (softmax(x),))
        return Job(lambda x: (softmax(x, out=y),))

    def loss(self, x: Any, t: Any) -> Job:
        return Job(xpnet.ops.softmax_with_loss)

    def loss_backward(self, x: Any, t: Any) -> Job:
        layer = xpnet.SoftmaxWithLoss()
        return Job(lambda x, t: (layer.forward(x, t), layer.backward()))

    def affine(self, x: Any, W: Any, b: Any) -> Job:
        layer = xpnet.Affine(W, b)
        return Job(lambda x: (layer.forward(x),))

    def affine_backward(self, x: Any, dout: Any, W: Any, b: Any) -> Job:
        layer = xpnet.Affine(W, b)

        def run(x: Any, dout: Any) -> tuple[Any, ...]:
            return layer.forward(x), layer.backward(dout), layer.dW, layer.db

        return Job(run)

    def step(self, params: Sequence[Any], lr: float) -> Job:
        net, optimizer = self._net(params), xpnet.SGD(lr)

        def run(x: Any, t: Any) -> tuple[Any, ...]:
            optimizer.update(net.params, net.gradient(x, t))
            return tuple(net.params.values())

        return Job(run)


class Compiled(_Own):
    """A training step from :func:`xpnet.compile`."""

    manner: ClassVar[str] = " compiled"

    def load(self) -> None:
        if not hasattr(xpnet, "compile"):
            msg = "this xpnet compiles no steps"
            raise Unavailable(msg)
        super().load()

    def step(self, params: Sequence[Any], lr: float) -> Job:
        net = self._net(params)
        step: Any = xpnet.compile(net, xpnet.SGD(lr))
        return Job(lambda x, t: (step(x, t),), lambda _: tuple(net.params.values()))


def numpy_contenders() -> list[Contender]:
    """Return xpnet on NumPy, eager and compiled, with all kernels, with fewer, and with none."""
    return [kind("numpy", kernels=kernels) for kernels in _KERNELS for kind in (Eager, Compiled)]
