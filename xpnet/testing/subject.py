"""A layer under test: how to make it, what to feed it, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from xpnet._typing import Array
from xpnet.arrays import asarray, to_numpy
from xpnet.backend import Backend, use_backend
from xpnet.gradient_check.streams import stream
from xpnet.layers.moving import move
from xpnet.layers.parameters import Parameters

__all__ = ["Results", "Subject", "host_values"]

Results: TypeAlias = dict[str, Array]
"""What a forward and a backward gave, by names that a sentence can use."""


@dataclass(frozen=True)
class Subject:
    """A layer and inputs to test it on.

    Attributes
    ----------
    factory : callable
        Makes a fresh layer: any object with ``forward``, ``backward``, ``params`` and ``grads``.
    inputs : tuple of numpy.ndarray
        What ``forward`` takes. Floating inputs are samples or parameters and take on the dtype
        under test; others, such as class indices, keep theirs.
    seed : int
        For the gradient that is fed to ``backward``.
    """

    factory: Callable[[], Any]
    inputs: tuple[np.ndarray[Any, Any], ...]
    seed: int = 0

    def layer(self, backend: Backend) -> Any:
        """Return a fresh layer whose parameters live on the backend, in its dtype."""
        with use_backend(backend):
            layer = self.factory()
        move(layer, backend, device=None, dtype=backend.dtype)
        return layer

    def arrays(self, backend: Backend) -> tuple[Array, ...]:
        """Return copies of the inputs on the backend, floating ones in its dtype."""
        return tuple(asarray(x.copy(), xp=backend) for x in self.inputs)

    def upstream(self, y: Array, backend: Backend) -> Array:
        """Return a random gradient for an output, the same on every backend."""
        return asarray(stream("upstream", self.seed).standard_normal(tuple(y.shape)), xp=backend)

    def run(self, backend: Backend, layer: Any = None, inputs: Any = None) -> Results:
        """Return the output and all gradients of one forward and one backward.

        Inputs that have no gradient, such as labels, may get None, or nothing.
        """
        layer = self.layer(backend) if layer is None else layer
        y = layer.forward(*(self.arrays(backend) if inputs is None else inputs))
        returned = layer.backward(self.upstream(y, backend))
        gradients = returned if isinstance(returned, tuple | list) else (returned,)
        results = {"the output": y}
        results |= {
            f"the gradient of input {i}": dx for i, dx in enumerate(gradients) if dx is not None
        }
        return results | {
            f"the gradient of {name}": grad
            for name, grad in {**layer.grads, **Parameters(layer).grads()}.items()
        }

    def with_batch(self, change: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]) -> Subject:
        """Return the subject with every input changed that has the batch's axis.

        An input belongs to the batch if its first axis is as long as that of the first input.
        """
        first = self.inputs[0]
        samples = first.shape[0] if first.ndim else None
        changed = (change(x) if x.ndim and x.shape[0] == samples else x for x in self.inputs)
        return replace(self, inputs=tuple(changed))


def host_values(results: Mapping[str, Array]) -> dict[str, np.ndarray[Any, Any]]:
    """Return results as float64 on the host."""
    return {name: to_numpy(array).astype("float64") for name, array in results.items()}
