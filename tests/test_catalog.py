"""What is public is in the catalog; what is not would not be tested."""

from __future__ import annotations

import pkgutil
from types import ModuleType

import xpnet
import xpnet.layers
import xpnet.nets
import xpnet.ops
from xpnet.ops.op import OPS
from xpnet.testing.catalog import CATALOG

# They are no ops: one reads labels, one is two in turn, and layers and nets are made of the others.
NOT_LISTED = {"check_labels", "Layer", "Container", "Net", "affine_relu"}
# They have no derivative; tests/optimizers/test_rules.py holds each against its formula.
RULES = {name for name in xpnet.ops.__all__ if name.endswith("_update")}


def test_every_public_op_layer_and_net_is_listed():
    public = {*OPS, *xpnet.ops.__all__, *xpnet.layers.__all__, *xpnet.nets.__all__}
    forward = {name for name in public if not name.endswith("_backward")}

    assert forward - {case.target.__name__ for case in CATALOG} == NOT_LISTED | RULES


def test_every_op_has_a_derivative_beside_it():
    forward = {n: op for n, op in OPS.items() if op.declaration.of is None and n not in RULES}

    assert {name for name, op in forward.items() if op.backward is None} == {"affine_relu"}
    assert all(op.backward.__name__ == f"{n}_backward" for n, op in forward.items() if op.backward)


def test_every_op_can_be_reached_by_the_name_that_errors_give():
    for op in OPS.values():
        assert eval(op.declaration.title, {"xpnet": xpnet}) is op


def test_no_module_is_hidden_by_what_it_holds():
    for package in (xpnet.ops, xpnet.layers, xpnet):
        for module in pkgutil.iter_modules(package.__path__):
            found = getattr(package, module.name, None)
            assert found is None or isinstance(found, ModuleType), module.name


def test_cases_can_be_told_apart():
    names = [str(case) for case in CATALOG]

    assert len(set(names)) == len(names)
