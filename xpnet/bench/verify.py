"""A fast wrong answer is worth nothing: results are held against float64 before any timing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import xpnet

__all__ = ["assert_close", "assert_near"]

# A sum in another order can carry a ReLU's input over 0, which changes a gradient by one sample's
# share: about 1e-3 of its norm in the largest net here.
_KINKS = 4e-3


def assert_close(results: Sequence[Any], truths: Sequence[np.ndarray[Any, Any]]) -> None:
    """Compare arrays with float64 ones, to a thousand units in the last place of the largest.

    A contender gives None where it does not compute something, and nothing at all if it is the
    limit, which computes less than is asked for.
    """
    for result, truth in zip(results, truths, strict=bool(results)):
        if result is not None:
            host = xpnet.to_numpy(result)
            tolerance = 1000 * np.finfo(host.dtype).eps * np.max(np.abs(truth))
            np.testing.assert_allclose(host, truth, rtol=0, atol=tolerance)


def assert_near(
    results: Iterable[np.ndarray[Any, Any]], truths: Sequence[np.ndarray[Any, Any]]
) -> None:
    """Compare the gradients of a net with ReLU by their norms, because ReLU has a kink."""
    for result, truth in zip(results, truths, strict=True):
        distance = np.linalg.norm(result - truth) / np.linalg.norm(truth)
        assert distance < _KINKS, f"off by {distance:.2%} of the norm"
