"""What every contender is: a way to do the same ops on arrays of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, NamedTuple

import numpy as np

import xpnet

__all__ = ["Contender", "Job", "Unavailable"]


class Unavailable(Exception):  # noqa: N818, it is no error: a table says what is missing
    """Why a contender cannot take part here."""


def _all(result: Any) -> Any:
    return result


class Job(NamedTuple):
    """What is timed, and what of its result is verified.

    Attributes
    ----------
    run : callable
        Takes a set of inputs; what it returns is waited for.
    outputs : callable
        Turns that into the arrays that the workload expects, with None for what is not computed.
    """

    run: Callable[..., Any]
    outputs: Callable[[Any], Any] = _all


class Contender:
    """One way to compute. A subclass has those of the methods below that it can do.

    Attributes
    ----------
    name : str
        What it is called in a table.
    dtype : str
        What it computes in.
    role : str
        ``"own"`` for xpnet, ``"rival"``, or ``"limit"``.
    """

    name: str
    dtype: str = "float32"
    role: ClassVar[str] = "rival"

    # Each takes the contender's own arrays and returns a job for inputs of the same shapes.
    softmax: Callable[[Any], Job]  # x
    loss: Callable[[Any, Any], Job]  # x, t
    loss_backward: Callable[[Any, Any], Job]  # x, t
    affine: Callable[[Any, Any, Any], Job]  # x, W, b; the job takes x
    affine_backward: Callable[[Any, Any, Any, Any], Job]  # x, dout, W, b; the job takes x, dout
    step: Callable[[Any, float], Job]  # params, lr; the job takes x, t

    def __str__(self) -> str:
        return self.name

    def can(self, op: str) -> bool:
        """Whether it has that op."""
        return hasattr(self, op)

    def load(self) -> None:
        """Get ready, which is where its library is imported.

        Raises
        ------
        Unavailable
            If it cannot take part here.
        """

    def array(self, host: np.ndarray[Any, Any]) -> Any:
        """Return a host array as one of its own; it may share memory."""
        return host.astype(self.dtype, copy=False) if host.dtype.kind == "f" else host

    def arrays(self, *host: np.ndarray[Any, Any]) -> tuple[Any, ...]:
        """Return host arrays as its own."""
        return tuple(map(self.array, host))

    def to_numpy(self, *arrays: Any) -> list[np.ndarray[Any, Any]]:
        """Return its own arrays on the host."""
        return [xpnet.to_numpy(array) for array in arrays]

    def wait(self, result: Any) -> None:
        """Wait until what a job returned is computed."""

    def around(self) -> AbstractContextManager[Any]:
        """Return what must be in force while it builds and runs."""
        return nullcontext()
