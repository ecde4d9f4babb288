"""Who competes on a GPU, and the limit there: the measured device copy, the bare products."""

from __future__ import annotations

from importlib import import_module

import xpnet
from xpnet.bench.contender import Job
from xpnet.bench.limit import Limit
from xpnet.bench.own import Compiled, Eager
from xpnet.bench.rivals.torch import Torch


class DeviceLimit(Limit):
    """``copyto`` and ``matmul`` of an array library, on its device."""

    def __init__(self, backend):
        self._name = backend

    def load(self):
        with xpnet.use_backend(self._name) as backend:
            self.backend = backend
        self.namespace = import_module(self._name)
        self._any = self.namespace.zeros(1)

    def array(self, host):
        return xpnet.asarray(host, xp=self.backend)

    def wait(self, _result):
        self.backend.adapter.synchronize(self._any)


class TorchGraph(Torch):
    """PyTorch's training step as one CUDA graph, as its documentation builds it."""

    def __init__(self):
        super().__init__("cuda")
        self.name = "torch CUDA graph"

    def can(self, op):
        return op == "step"

    def step(self, params, lr):
        torch = self.torch
        net = self._net(params)
        optimizer = torch.optim.SGD(net.parameters(), lr=lr)
        cross_entropy = self._cross_entropy()
        graph, held = torch.cuda.CUDAGraph(), {}

        def one_step():
            optimizer.zero_grad(set_to_none=True)
            loss = cross_entropy(net(held["x"]), held["t"])
            loss.backward()
            optimizer.step()
            return loss

        def capture(x, t):
            held["x"], held["t"] = x.clone(), t.clone()
            before = [param.detach().clone() for param in net.parameters()]
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(3):
                    one_step()
            torch.cuda.current_stream().wait_stream(stream)
            with torch.cuda.graph(graph):
                held["loss"] = one_step()
            with torch.no_grad():  # the steps that warmed up did not happen
                for param, old in zip(net.parameters(), before, strict=True):
                    param.copy_(old)

        def run(x, t):
            if not held:
                capture(x, t)
            held["x"].copy_(x)
            held["t"].copy_(t)
            graph.replay()
            return held["loss"]

        return Job(run, lambda _: self._params(net))


class EagerBaseline(Eager):
    """The eager step, which the compiled one is measured against."""

    role = "rival"


def contenders(backend="cupy"):
    return [
        DeviceLimit(backend),
        Torch("cuda"),
        TorchGraph(),
        EagerBaseline(backend),
        Compiled(backend),
    ]
