from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xpnet import errors
from xpnet.datasets.idx import parse_idx

SOURCE = Path("somewhere/labels")
HEADER = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3])
CONTENT = HEADER + bytes(range(6))


def test_shape_and_order_come_from_the_header() -> None:
    array = parse_idx(CONTENT, 2, SOURCE)
    assert array.dtype == np.uint8
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_sizes_are_big_endian_and_of_four_bytes() -> None:
    content = bytes([0, 0, 8, 1, 0, 1, 0, 2]) + bytes(0x10002)
    assert parse_idx(content, 1, SOURCE).shape == (0x10002,)


def test_the_array_can_be_written_to() -> None:
    array = parse_idx(CONTENT, 2, SOURCE)
    array[0, 0] = 9
    assert CONTENT[12] == 0


def test_no_elements_are_an_array_too() -> None:
    assert parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 0]), 1, SOURCE).shape == (0,)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(b"", "found 0x;", id="empty"),
        pytest.param(b"\0\0\x08", "found 0x000008;", id="magic cut off"),
        pytest.param(b"\0\0\x09\x02" + CONTENT[4:], "found 0x00000902", id="signed bytes"),
        pytest.param(b"\0\0\x08\x01" + CONTENT[4:], "found 0x00000801", id="other dimensions"),
        pytest.param(b"\0\1\x08\x02" + CONTENT[4:], "found 0x00010802", id="no zeros"),
        pytest.param(HEADER[:-1], "expected 12 bytes or more, found 11", id="header cut off"),
        pytest.param(CONTENT[:-1], "expected 18 bytes for shape (2, 3), found 17", id="cut off"),
        pytest.param(CONTENT + b"\0", "expected 18 bytes for shape (2, 3), found 19", id="longer"),
        pytest.param(
            HEADER[:4] + b"\xff" * 8 + CONTENT[12:], "(4294967295, 4294967295)", id="huge sizes"
        ),
    ],
)
def test_what_does_not_fit_is_refused(content: bytes, found: str) -> None:
    with pytest.raises(errors.DatasetError) as info:
        parse_idx(content, 2, SOURCE)
    assert found in str(info.value)
    assert str(SOURCE) in str(info.value)
    assert "delete it" in str(info.value)


def test_huge_sizes_that_a_size_of_0_hides_are_refused() -> None:
    content = bytes([0, 0, 8, 3]) + b"\xff" * 8 + bytes(4)
    with pytest.raises(errors.DatasetError, match=f"{SOURCE} has shape .* no array can have"):
        parse_idx(content, 3, SOURCE)
