"""``check_layer`` finds state that is not declared, does not move, or is not compiled right."""

from __future__ import annotations

import numpy as np
import pytest
from testing.stateful_layers import FAULTY, Centred, Counted

from xpnet.testing import check_layer

BACKENDS = ["numpy", "array_api_strict"]
X = np.random.default_rng(0).standard_normal((3, 4))


@pytest.mark.parametrize(("layer", "check"), FAULTY, ids=[layer.__name__ for layer, _ in FAULTY])
def test_it_is_found(layer, check):
    report = check_layer(layer, X, backends=BACKENDS, skip="pickles")

    assert check in {finding.check for finding in report.failures}, report


@pytest.mark.parametrize("layer", [Centred, Counted])
def test_it_is_not_accused(layer):
    report = check_layer(layer, X, backends=BACKENDS)

    checks = {finding.check for finding in report.failures}
    assert not checks & {"no undeclared state", "buffers move", "compiled equals eager", "pickles"}
