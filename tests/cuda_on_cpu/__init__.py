"""Compile kernels of xpnet with g++ and run them on the CPU, over NumPy arrays.

The same source and the same arguments as on a GPU; see ``cuda_on_cpu.h`` for what differs.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

import numpy as np

from xpnet.kernels.cuda.plan import Launch

__all__ = ["CPU", "Library", "Schedule", "compile_library"]

HERE = Path(__file__).parent


class Schedule(IntEnum):
    """In which order the threads of a block take turns."""

    FORWARD = 0
    REVERSE = 1
    RANDOM = 2
    WARPS_FORWARD = 3  # each warp as far as it can come before the next one
    WARPS_REVERSE = 4


def compile_library(
    file: str,
    source: str,
    names: Iterable[str],
    *,
    folder: Path,
    headers: Iterable[Path],
    flags: Iterable[str] = (),
) -> Path:
    """Compile the kernels of one ``.cu`` file, given its text, and return the library.

    A compiler warning is an error.
    """
    stem = Path(file).stem
    registered = "".join(
        f'static int kernel{i} = on_cpu::add("{name}", {name});\n' for i, name in enumerate(names)
    )
    text = f'#include "cuda_on_cpu.h"\n{source}\n#line 1 "kernels"\n{registered}'
    (folder / f"{stem}.cpp").write_text(text)
    command = ["g++", "-std=c++17", "-O1", "-shared", "-fPIC", "-fno-strict-aliasing"]
    command += ["-Wall", "-Wextra", "-Werror", "-Wno-unused-variable", "-Wno-unknown-pragmas"]
    command += [
        "-U_FORTIFY_SOURCE",
        "-fno-gnu-unique",
        *flags,
        f"-I{HERE}",
        *(f"-isystem{h}" for h in headers),
    ]
    library = folder / f"{stem}.so"
    subprocess.run(
        [*command, "-o", str(library), str(folder / f"{stem}.cpp")],
        check=True,
        capture_output=True,
        text=True,
    )
    return library


class Library:
    """The compiled kernels of one file."""

    def __init__(self, path: Path) -> None:
        self._library = ctypes.CDLL(str(path))
        self._library.launch.restype = ctypes.c_char_p
        self._library.signature_of.restype = ctypes.c_char_p
        for start, size in _shared_variables(path, self._library):
            self._library.add_shared(ctypes.c_void_p(start), ctypes.c_size_t(size))

    def signature(self, name: str) -> list[str]:
        """Return the dtypes of a kernel's arguments; ``*`` marks arrays."""
        return self._library.signature_of(name.encode()).decode().split()

    def launch(
        self,
        name: str,
        blocks: range,
        grid: int,
        threads: int,
        arguments: tuple[object, ...],
        schedule: Schedule,
        seed: int,
    ) -> None:
        """Run some blocks of a grid."""
        values = [
            _value(f"{name}, argument {i}", dtype, argument)
            for i, (dtype, argument) in enumerate(zip(self.signature(name), arguments, strict=True))
        ]
        pointers = (ctypes.c_void_p * len(values))(*(value.ctypes.data for value in values))
        error = self._library.launch(
            name.encode(), blocks.start, len(blocks), grid, threads, pointers, schedule, seed
        )
        if error is not None:
            msg = f"{name}: {error.decode()}"
            raise RuntimeError(msg)


def _shared_variables(path: Path, library: ctypes.CDLL) -> list[tuple[int, int]]:
    """Return the addresses and sizes of the ``__shared__`` variables, static ones of functions."""
    listing = subprocess.run(
        ["nm", "--defined-only", "--print-size", str(path)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    symbols = [line.split() for line in listing.splitlines()]
    places = {
        name: (int(place, 16), int(size, 16))
        for place, size, _, name in (symbol for symbol in symbols if len(symbol) == 4)
    }
    base = ctypes.cast(library.launch, ctypes.c_void_p).value - places["launch"][0]
    # As C++ mangles a variable of a function of the global namespace.
    return [
        (base + place, size) for name, (place, size) in places.items() if re.match(r"_ZZ\d", name)
    ]


def _value(what: str, expected: str, argument: object) -> np.ndarray:
    """Return the bytes of an argument; CuPy would take those of any other type as well."""
    if expected.endswith("*") and isinstance(argument, np.ndarray):
        if argument.dtype.name != expected[:-1]:
            msg = f"{what}: an array of {expected[:-1]} is expected, not {argument.dtype}"
            raise TypeError(msg)
        return np.asarray(argument.ctypes.data, dtype=np.uintp)
    if expected.endswith("*") and isinstance(argument, np.uintp) and argument == 0:
        return np.asarray(argument)
    if not isinstance(argument, np.generic) or argument.dtype.name != expected:
        msg = f"{what}: {expected} is expected, not {argument!r}"
        raise TypeError(msg)
    return np.asarray(argument)


@dataclass
class CPU:
    """A stand-in for a GPU: call it to launch a kernel."""

    libraries: dict[str, Library]
    schedule: Schedule = Schedule.FORWARD
    seed: int = 0
    launched: list[Launch] = field(default_factory=list)
    last_blocks: int | None = None  # of each grid; None runs all

    def __call__(self, launch: Launch, *arguments: object) -> None:
        self.launched.append(launch)
        kernel = launch.kernel
        self.libraries[kernel.file].launch(
            kernel.name,
            range(launch.blocks)[-(self.last_blocks or 0) :],
            launch.blocks,
            launch.threads,
            arguments,
            self.schedule,
            self.seed,
        )
