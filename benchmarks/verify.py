"""A fast wrong answer is worth nothing: results are held against float64 before any timing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

import xpnet


def assert_close(actual: Iterable[Any], expected: Iterable[Any]) -> None:
    """Compare arrays with float64 ones, to a thousand units in the last place of the largest."""
    for result, truth in zip(actual, expected, strict=True):
        host = xpnet.to_numpy(result)
        tolerance = 1000 * np.finfo(host.dtype).eps * np.max(np.abs(truth))
        np.testing.assert_allclose(host, truth, rtol=0, atol=tolerance)
