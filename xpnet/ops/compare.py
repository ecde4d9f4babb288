"""Comparisons, element by element: the conditions of ``where``. They have no derivative."""

from __future__ import annotations

import operator
from typing import Any

from xpnet._typing import Array, Number
from xpnet.ops.broadcasting import operands
from xpnet.ops.recordable import recordable

__all__ = ["equal", "greater", "greater_equal", "less", "less_equal", "not_equal"]

Value = Array | Number

_BY_SIGN = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def _comparison(name: str, sign: str) -> Any:
    compared = _BY_SIGN[sign]

    def compare(x: Value, y: Value) -> Any:
        _, x, y = operands(name, x, y)
        return compared(x, y)

    compare.__name__ = compare.__qualname__ = name
    compare.__doc__ = f"Return ``x {sign} y``, an array of bool; arguments as for ``subtract``."
    return recordable()(compare)


less = _comparison("less", "<")
less_equal = _comparison("less_equal", "<=")
greater = _comparison("greater", ">")
greater_equal = _comparison("greater_equal", ">=")
equal = _comparison("equal", "==")
not_equal = _comparison("not_equal", "!=")
