"""Compile a kernel with CuPy at its first use, and launch it."""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

from xpnet.kernels.cuda.plan import Kernel, Launch
from xpnet.kernels.cuda.source import source_of
from xpnet.kernels.tape import call

__all__ = ["Launcher", "on_gpu"]


class Launcher(Protocol):
    """What runs a kernel: :func:`on_gpu`, or a test's stand-in for it."""

    def __call__(self, launch: Launch, /, *arguments: Any) -> None:
        """Run a kernel on arrays and NumPy scalars, in the types of its C++ parameters."""


def on_gpu(launch: Launch, /, *arguments: Any) -> None:
    """Run a kernel on the current stream of the device of the first argument.

    CuPy checks no argument's type: a scalar of another type would pass other bytes.
    """
    call(_launch, launch, *arguments)


def _launch(launch: Launch, *arguments: Any) -> None:
    device = arguments[0].device
    with device:
        function = _compiled(launch.kernel, device.id)
        function((launch.blocks,), (launch.threads,), arguments)


@cache
def _compiled(kernel: Kernel, _device: int) -> Any:
    """Return the function of the driver, whose call costs less than that of a RawKernel."""
    import cupy

    module = cupy.RawModule(code=source_of(kernel.file), name_expressions=(kernel.name,))
    return module.get_function(kernel.name).kernel
