"""ndonnx: operations that record themselves as an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet._typing import Array
from xpnet.backends.adapter import Adapter

__all__ = ["Ndonnx"]


class Ndonnx(Adapter):
    module = "ndonnx"
    install = "pip install ndonnx onnxruntime"
    why_not_writable = "arrays of ndonnx are immutable"
    in_suites = False

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        host: np.ndarray[Any, Any] = array.unwrap_numpy()
        return host
