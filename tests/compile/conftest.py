from __future__ import annotations

import pytest

import xpnet
from xpnet import kernels

EACH = [(), ("numpy",), ("numba", "numpy")]


@pytest.fixture(params=EACH, ids=lambda names: "+".join(names) or "off")
def numpy_with_each_set_of_kernels(request):
    """Let nets be made on NumPy, and compute without kernels, with NumPy's, and with all."""
    if "numba" in request.param:
        pytest.importorskip("numba")
    with xpnet.use_backend("numpy"), kernels.only(*request.param):
        yield
