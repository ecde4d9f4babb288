"""What is public is in the catalog; what is not would not be tested."""

from __future__ import annotations

import xpnet.layers
import xpnet.nets
import xpnet.ops
from xpnet.testing.catalog import CATALOG

# They are no ops: one reads labels, the others are what layers and nets are made of.
NOT_LISTED = {"check_labels", "Layer", "Container"}
# They have no derivative; tests/optimizers/test_rules.py holds each against its formula.
RULES = {name for name in xpnet.ops.__all__ if name.endswith("_update")}


def test_every_public_op_layer_and_net_is_listed():
    public = {*xpnet.ops.__all__, *xpnet.layers.__all__, *xpnet.nets.__all__}
    forward = {name for name in public if not name.endswith("_backward")}

    assert forward - {case.target.__name__ for case in CATALOG} == NOT_LISTED | RULES


def test_every_op_has_a_derivative_beside_it():
    ops = {name for name in xpnet.ops.__all__ if not name.endswith("_backward")} - NOT_LISTED

    without = {name for name in ops - RULES if f"{name}_backward" not in xpnet.ops.__all__}

    assert without == {"affine_param_gradients"}  # itself a derivative


def test_cases_can_be_told_apart():
    names = [str(case) for case in CATALOG]

    assert len(set(names)) == len(names)
