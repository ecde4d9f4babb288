"""What no layer can be checked with is explained; it is no finding about the layer."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet.testing import check_layer

X = np.asarray([[-1.0, 2.0]])


@pytest.mark.parametrize(
    ("factory", "inputs", "options", "error", "words"),
    [
        (xpnet.ReLU(), [X], {}, TypeError, r"write lambda: ReLU\(...\)"),
        (xpnet.ReLU, [], {}, ValueError, "at least one input"),
        (xpnet.ReLU, [[1.0]], {}, xpnet.BackendMismatchError, "input 0 is of type list"),
        (xpnet.ReLU, [X, 1.0], {}, xpnet.BackendMismatchError, "input 1 is of type float"),
        (xpnet.ReLU, [X.view(np.matrix)], {}, xpnet.BackendMismatchError, "of type matrix"),
        (xpnet.ReLU, [np.ma.masked_array(X)], {}, xpnet.BackendMismatchError, "MaskedArray"),
        (xpnet.ReLU, [X * 1j], {}, xpnet.DTypeError, "complex128"),
        (xpnet.ReLU, [X.astype(object)], {}, xpnet.DTypeError, "object"),
        (xpnet.ReLU, [np.asarray(["a"])], {}, xpnet.DTypeError, "<U1"),
        (xpnet.ReLU, [X[:0]], {}, xpnet.ShapeError, r"shape \(0, 2\), which leaves nothing"),
        (xpnet.ReLU, [X], {"seed": -1}, ValueError, "seed is -1"),
        (xpnet.ReLU, [X], {"seed": "0"}, ValueError, "seed is '0'"),
        (xpnet.ReLU, [X], {"skip": "nope"}, ValueError, "no check is called nope"),
        (xpnet.ReLU, [X], {"backends": "nunpy"}, ValueError, "unknown backend 'nunpy'"),
    ],
)
def test_a_mistake_is_explained(factory, inputs, options, error, words):
    with pytest.raises(error, match=words):
        check_layer(factory, *inputs, **{"backends": ["numpy"], **options})
