"""What the rules of all optimizers have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

from xpnet._typing import Array, Namespace
from xpnet.backends import adapter_of
from xpnet.checks import check_floats, check_same_shape
from xpnet.dispatch import Kernels
from xpnet.dtypes import dtype_name, is_half
from xpnet.numerics.precision import rounded, widened
from xpnet.ops.docs import completed
from xpnet.ops.op import Declaration, Function, Op
from xpnet.together import floats_together

__all__ = ["Rule", "rule"]

_PARAMETERS = {
    "param": "param : array\n    Of floats, any shape.",
    "grad": "grad : array\n    Of the shape, library and device of ``param``.",
    "memory": "{memory} : array\n    As ``param``, or float32 beside 16 bits; zeros at first.",
    "lr": "lr : float or array of shape ()\n    The learning rate.",
    "eps": "eps : float or array of shape ()\n    Keeps the divisor from 0.",
}

_RETURNS = """\
{results} : array
    Each in its own dtype. Where the gradient is NaN or infinite, the parameter is NaN."""

_ERRORS = """\
ShapeError
    If the shapes differ.
DTypeError
    If an array is not of floats, or 16 bits meet another width.
BackendMismatchError
    If the arrays do not live together."""


class Rule(Op, Protocol):
    """The rule of an optimizer."""

    def in_place(self, param: Array, grad: Array, **others: Any) -> bool | None:
        """Let a kernel write a step into the parameter and the memory; return whether one has."""


def rule(formula: Callable[..., Any]) -> Rule:
    """Declare the rule of an optimizer by its formula, as :func:`xpnet.ops.op.op` does an op.

    The formula gets the parameter, its gradient, arrays of memory, and settings, all in a dtype in
    which sums may be held. It returns the parameter and the memory after the step; each comes back
    in its own dtype.

    A kernel of a rule writes into the parameter and the memory, and returns whether it has. The
    rule itself never does: ``in_place`` asks kernels alone.
    """
    return cast("Rule", _Rule(formula, (), ("param",), in_16_bits=True, takes_out=False).function)


class _Rule(Declaration):
    def _docstring(self, docstring: str) -> str:
        _param, _grad, *memory = self.arrays
        named = _PARAMETERS | {"memory": _PARAMETERS["memory"].format(memory=", ".join(memory))}
        known = ["param", "grad", *(["memory"] if memory else []), *self.names]
        parameters = {name: named[name] for name in dict.fromkeys(known) if name in named}
        returns = _RETURNS.format(results=", ".join(["param", *memory]))
        return completed(docstring, parameters, returns, [_ERRORS])

    def _dispatcher(self, kernels: Kernels) -> Callable[..., Any]:
        def rule(*inputs: Any, **settings: Any) -> Any:
            return self._by_formula(self.arguments(inputs, settings))

        rule.in_place = self.in_place  # type: ignore[attr-defined]
        return rule

    def in_place(self, param: Array, *others: Any, **settings: Any) -> Any:
        return self.kernels.ask_all(param, param, *others, **settings)

    def _by_formula(self, arguments: dict[str, Any]) -> Any:
        arrays = {name: arguments[name] for name in self.arrays}
        xp, wide = _widened_arguments(self.title, **arrays)
        settings = {n: _widened_setting(xp, v) for n, v in arguments.items() if n not in arrays}
        results = self.formula(xp, **dict(zip(arrays, wide, strict=True)), **settings)
        del arrays["grad"]
        if type(results) is not tuple:
            return rounded(xp, results, like=arrays["param"])
        pairs = zip(results, arrays.values(), strict=True)
        return tuple(rounded(xp, result, like=array) for result, array in pairs)

    def kernel(
        self, provider: str, *, checks_itself: bool = False
    ) -> Callable[[Function], Function]:
        def register(function: Function) -> Function:
            self.kernels.add(provider, function, checks_itself=checks_itself)
            return function

        return register


def _widened_arguments(
    who: str, param: Array, grad: Array, **memory: Array
) -> tuple[Namespace, tuple[Array, ...]]:
    """Return the namespace of the arrays, and the arrays in a dtype in which sums may be held.

    Where float32 meets float64, that is float64.

    Raises
    ------
    ShapeError
        If the shapes differ.
    DTypeError
        If an array is not of floats, or 16 bits meet another width; but the memory of a 16-bit
        parameter may be float32.
    BackendMismatchError
        If the arrays do not live together.
    """
    if is_half(_dtype(param)):
        xp = _check_beside_half(who, param, grad, memory)
        plain = map(adapter_of(param).plain, (param, grad, *memory.values()))
        wide = tuple(widened(xp, array)[0] for array in plain)
    else:
        xp, *together = floats_together(who, param=param, grad=grad, **memory)
        wide = tuple(together)
    check_same_shape(who, param=param, grad=grad, **memory)
    return xp, wide


def _check_beside_half(who: str, param: Array, grad: Array, memory: dict[str, Array]) -> Namespace:
    xp = check_floats(who, param=param, grad=grad)
    (wide_param,) = widened(xp, param)
    for name, array in memory.items():
        is_wide = dtype_name(_dtype(array)) == "float32"
        check_floats(who, param=wide_param if is_wide else param, **{name: array})
    return xp


def _dtype(array: Any) -> Any:
    return getattr(array, "dtype", "none")


def _widened_setting(xp: Namespace, setting: Any) -> Any:
    """Return a number as it is, and an array of one in a dtype in which sums may be held.

    So nothing that follows from settings alone, such as ``1 - beta1``, is rounded to 16 bits.
    """
    if not hasattr(setting, "dtype"):
        return setting
    return widened(xp, adapter_of(setting).plain(setting))[0]
