"""What is checked, with a draw of inputs for it: an entry of the tables of this folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpnet.arrays import array_namespace, device_of

__all__ = ["Example", "Table", "as_floats", "given", "normalised", "normalised_backward", "signed"]


@dataclass(frozen=True)
class Example:
    """A layer or function and its inputs, both drawn from a generator."""

    name: str
    make: Callable[[np.random.Generator], Any]
    inputs: Callable[[np.random.Generator], Sequence[Any]]

    def __str__(self) -> str:
        return self.name


class Table(list[Example]):
    def example(self, inputs):
        """List a class, whose objects are made from a generator, or a function as it is."""

        def listed(made):
            self.add(made.__name__, made if isinstance(made, type) else lambda _: made, inputs)
            return made

        return listed

    def add(self, name, make, inputs):
        self.append(Example(name, make, inputs))


def given(*inputs):
    """Return a draw that is always the same."""
    return lambda _: inputs


def signed(rng, *shape):
    """Draw numbers away from 0, the first positive and the last negative."""
    values = rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)
    values.flat[0], values.flat[-1] = abs(values.flat[0]), -abs(values.flat[-1])
    return values


def as_floats(values, like):
    """Return values as an array that goes together with another one."""
    xp = array_namespace(like)
    return xp.asarray(np.asarray(values).tolist(), dtype=like.dtype, device=device_of(like))


def normalised(x, axis):
    xp = array_namespace(x)
    centered = x - xp.mean(x, axis=axis, keepdims=True)
    std = xp.sqrt(xp.mean(centered**2, axis=axis, keepdims=True) + 1e-5)
    return centered / std, std


def normalised_backward(dout, y, std, axis, *, with_mean=True, with_variance=True):
    xp = array_namespace(dout)
    dx = dout
    if with_mean:
        dx = dx - xp.mean(dout, axis=axis, keepdims=True)
    if with_variance:
        dx = dx - y * xp.mean(dout * y, axis=axis, keepdims=True)
    return dx / std
