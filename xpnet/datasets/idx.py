"""The IDX format: a big-endian header that gives the shape, then the elements.

The header is a magic number of four bytes, two zeros, the type of the elements (8 for unsigned
bytes) and the number of dimensions, and then 32 bits for the size of each dimension.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xpnet.errors import DatasetError

__all__ = ["parse_idx"]

_UNSIGNED_BYTE = 8


def parse_idx(content: bytes, ndim: int, source: Path) -> NDArray[np.uint8]:
    """Read an array of unsigned bytes from IDX content.

    Parameters
    ----------
    content : bytes
        A whole file, uncompressed.
    ndim : int
        How many dimensions the array must have.
    source : Path
        The file that the content came from, for the error.

    Returns
    -------
    numpy.ndarray
        A writable uint8 array.

    Raises
    ------
    DatasetError
        If the content is not unsigned bytes in that many dimensions, or its header does not fit
        its length or any array.

    Examples
    --------
    >>> header = bytes([0, 0, 8, 1, 0, 0, 0, 3])
    >>> parse_idx(header + bytes([7, 8, 9]), 1, Path("labels"))
    array([7, 8, 9], dtype=uint8)
    """
    expected = bytes([0, 0, _UNSIGNED_BYTE, ndim])
    if not content.startswith(expected):
        msg = (
            f"{source} is not IDX data of unsigned bytes in {ndim} dimensions: expected the magic "
            f"number 0x{expected.hex()}, found 0x{content[:4].hex()}; delete it and load again"
        )
        raise DatasetError(msg)
    header_size = 4 + 4 * ndim
    if len(content) < header_size:
        msg = (
            f"{source} ends within its header: expected {header_size} bytes or more, "
            f"found {len(content)}; delete it and load again"
        )
        raise DatasetError(msg)
    shape = struct.unpack_from(f">{ndim}I", content, offset=4)
    size = header_size + math.prod(shape)
    if len(content) != size:
        msg = (
            f"{source} has a wrong length: expected {size} bytes for shape {shape}, "
            f"found {len(content)}; delete it and load again"
        )
        raise DatasetError(msg)
    elements = np.frombuffer(content, np.uint8, offset=header_size)
    try:
        # Copied, because a view of bytes is read-only, which not every array library takes.
        return elements.reshape(shape).copy()
    except ValueError as error:  # a size of 0 hides that the others are impossible
        msg = f"{source} has shape {shape}, which no array can have; delete it and load again"
        raise DatasetError(msg) from error
