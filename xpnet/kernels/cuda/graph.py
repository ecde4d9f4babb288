"""A training step as one CUDA graph: recorded once, then launched as a whole.

**It has not run on a GPU yet.**
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from xpnet._typing import Array
from xpnet.kernels.tape import Call

__all__ = ["GraphedStep"]


class GraphedStep:
    """A step that is replayed as one CUDA graph. It has not run on a GPU yet.

    The graph holds addresses. So inputs are copied to arrays of its own, and all that the step
    allocates comes from a memory pool that lives as long as the graph and serves nothing else.

    Parameters
    ----------
    step : callable
        Takes arrays and returns one. It must change parameters in place, read nothing on the
        host, and call no cuBLAS through CuPy.
    inputs : sequence of array
        An example of what the step takes; shapes and dtypes are fixed by it.
    state : sequence of array
        What the step changes, such as parameters. It is as before when the graph is ready.
    warmups : int
        How often the step is run before it is recorded, to compile kernels and fill the pool.
    """

    def __init__(
        self,
        step: Callable[..., Array],
        inputs: Sequence[Array],
        state: Sequence[Array],
        warmups: int = 2,
    ) -> None:
        import cupy

        self._cuda = cupy.cuda
        self._pool = cupy.cuda.MemoryPool()
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._inputs = [array.copy() for array in inputs]
        before = [array.copy() for array in state]
        cupy.cuda.get_current_stream().synchronize()
        with self._stream, cupy.cuda.using_allocator(self._pool.malloc):
            try:
                for _ in range(warmups):
                    step(*self._inputs)
                self._output, self._graph = self._record(step)
            finally:
                for array, saved in zip(state, before, strict=True):
                    array[...] = saved
                self._stream.synchronize()

    def _record(self, step: Callable[..., Array]) -> tuple[Array, Any]:
        self._stream.begin_capture()
        try:
            output = step(*self._inputs)
        except BaseException:
            with suppress(Exception):  # the first error is the one that tells something
                self._stream.end_capture()
            raise
        return output, self._stream.end_capture()

    def load(self, *inputs: Array) -> None:
        """Copy what the next launch takes, in order with the current stream."""
        self._stream.wait_event(self._cuda.get_current_stream().record())
        with self._stream:
            for own, array in zip(self._inputs, inputs, strict=True):
                own[...] = array

    @property
    def launch(self) -> Call:
        """The one call that takes a step, within which no interrupt comes."""
        return [self._graph.launch, self._stream]

    def result(self) -> Array:
        """Return the result of the last launch, in order with the current stream."""
        self._cuda.get_current_stream().wait_event(self._stream.record())
        return self._output.copy()
