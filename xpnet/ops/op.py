"""An op, declared once: a formula, its derivative, what is asked, and examples.

::

    @op({"x": (5, 4)}, {"x": ()}, out=True)
    def relu(xp: Namespace, x: Array) -> Array:
        return xp.maximum(x, 0)

    @relu.derivative
    def relu_backward(xp: Namespace, dout: Array, y: Array) -> Array:
        return dout * xp.sign(y)

What is declared so is a function, ``relu(x, *, out=None)``, and all else follows from it.

**A formula** gets the namespace ``xp`` and then what the user gave, by name, once that was found
right: floats of one width without a history, and of 16 bits those in float32, in which sums may be
held. It is never told of ``out``, rounds nothing, warns of nothing, and returns new arrays.

**Annotations say what an argument is.** ``Array`` is an array of floats; ``Array | Number`` may be
a Python number, ``Array | None`` may be missing, and ``Array | float`` is the gradient of a loss:
a number, or an array of shape (). All these must live together. ``Labels`` are checked by the op
itself, and everything else is a setting. Kernels are chosen by the type of the first ``Array``.

**A derivative** is an op as well, reachable as ``relu.backward``. It is called
``(dout, *what it needs)``, and the names of its parameters after ``dout`` say what that is:
an input or setting of the forward by its name, or else one of its ``results``, which is ``y``
unless declared. The gradients it returns belong to ``forward.arrays``, in this order, and each
comes back in the dtype of what it belongs to.

**A kernel** is a faster copy of a formula, a function with the signature of the op, which returns
None for what it does not take: ``@relu.kernel("numpy")``. See ``xpnet.dispatch``.

**Recorded values.** ``RECORDERS`` maps a type to a function of an op and its arguments by name, in
order. It is called instead of the op where an argument is of that type, whichever it is. It costs
nothing where there is none: no kernel takes such an argument, and only then anybody looks.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import cached_property, update_wrapper
from typing import Any, Protocol, TypeAlias, TypeVar, cast

from xpnet._typing import Array, Namespace
from xpnet.backends import adapter_of
from xpnet.checks import namespace_of_alike, upstream_shape_text
from xpnet.dispatch import Kernels, policy
from xpnet.dtypes import is_half
from xpnet.errors import NotWritableError, ShapeError
from xpnet.numerics.precision import rounded, widened
from xpnet.ops.docs import docstring_of
from xpnet.output import check_out, delivered
from xpnet.quiet import quiet
from xpnet.together import floats_together

__all__ = ["OPS", "RECORDERS", "Declaration", "Function", "Op", "op"]

Function = TypeVar("Function", bound=Callable[..., Any])

OPS: dict[str, Op] = {}
"""All ops and derivatives by name, in the order of their declaration."""

RECORDERS: dict[type, Callable[[Op, dict[str, Any]], Any]] = {}
"""By the type of a recorded value, what is called instead of an op."""


class Op(Protocol):
    """What an op has besides being a function.

    Attributes
    ----------
    names : tuple of str
        Of the arguments in order, without ``out``.
    arrays : tuple of str
        Of those that are arrays of floats, to which the gradients belong.
    results : tuple of str
        What it returns; ``dout`` belongs to the first.
    examples : tuple of dict
        Arguments by name, for tests: a tuple stands for normal numbers of that shape, and a
        function of a generator returns others.
    backward : Op or None
        Its derivative.
    partial : dict of tuple of str to Op
        Derivatives with respect to some of ``arrays`` alone, without the work for the others.
    declaration : Declaration
        What all this follows from.
    """

    __name__: str
    names: tuple[str, ...]
    arrays: tuple[str, ...]
    results: tuple[str, ...]
    examples: tuple[dict[str, Any], ...]
    backward: Op | None
    partial: dict[tuple[str, ...], Op]
    declaration: Declaration

    def __call__(self, *inputs: Any, **settings: Any) -> Any: ...

    def trusted(self, *inputs: Any, **settings: Any) -> Any:
        """Do what a derivative does with arguments that forward has checked: all but ``dout``."""

    def check(self, function: Function) -> Function:
        """Declare what is asked: a function of what the op is called, and of arguments by name.

        It raises an error if something is wrong.
        """

    def derivative(self, formula: Callable[..., Any]) -> Op:
        """Declare the derivative."""

    def partial_derivative(self, *of: str) -> Callable[[Callable[..., Any]], Op]:
        """Declare the derivative with respect to some of ``arrays`` alone."""

    def kernel(
        self, provider: str, *, checks_itself: bool = False
    ) -> Callable[[Function], Function]:
        """Declare a faster copy.

        Parameters
        ----------
        provider : str
            What it is made with, such as ``"numba"``.
        checks_itself : bool
            Whether it returns None also for arguments that are wrong, and so may be asked first.
        """


def op(
    *examples: dict[str, Any],
    out: bool = False,
    results: tuple[str, ...] = ("y",),
    in_16_bits: bool = False,
) -> Callable[[Callable[..., Any]], Op]:
    """Declare an op by its formula.

    Parameters
    ----------
    *examples : dict
        As :attr:`Op.examples`: the usual shapes first, and then the odd ones.
    out : bool
        Whether the first result may be written into ``out``. It is like the only array then, or
        checked against ``out`` itself.
    results : tuple of str
        As :attr:`Op.results`.
    in_16_bits : bool
        Whether the formula holds no sums, and gets floats of 16 bits as they are.
    """

    def declare(formula: Callable[..., Any]) -> Op:
        return Declaration(formula, examples, results, in_16_bits, out).function

    return declare


_Check: TypeAlias = tuple[Callable[..., None], list[str]]

_IS_NO_ARRAY: dict[str, Callable[[Any], bool] | None] = {
    "Array": None,
    "Array | None": lambda value: value is None,
    "Array | Number": lambda value: type(value) in (int, float),  # np.float64 is an array to us
    "Array | float": lambda value: isinstance(value, int | float),
}
"""Annotations of arrays of floats, and whether something else stands there."""


class Declaration:
    """What was declared of an op, and all work that no kernel has done."""

    def __init__(
        self,
        formula: Callable[..., Any],
        examples: tuple[dict[str, Any], ...],
        results: tuple[str, ...],
        in_16_bits: bool,
        takes_out: bool,
        of: Op | None = None,
        belong_to: tuple[str, ...] = (),
    ) -> None:
        self.name, self.formula = formula.__name__, quiet(formula)
        self.results, self.in_16_bits, self.takes_out = results, in_16_bits, takes_out
        self.of, self.belong_to = of, belong_to
        self.checks: list[_Check] = []
        self.checks_of_dout: list[_Check] = []
        _xp, *parameters = inspect.signature(formula).parameters.values()
        kinds = {each.name: str(each.annotation) for each in parameters}
        self.names = tuple(kinds)
        self.arrays = {n: _IS_NO_ARRAY[kind] for n, kind in kinds.items() if kind in _IS_NO_ARRAY}
        if not self.arrays:
            msg = f"{self.name}: no argument is annotated as Array, and so none would be checked"
            raise TypeError(msg)
        self.labels = [name for name, kind in kinds.items() if kind == "Labels"]
        self.lead = next((i for i, kind in enumerate(kinds.values()) if kind == "Array"), 0)
        inputs = [name for name in self.arrays if name != "dout"]
        self.like = inputs[0] if of is not None or len(inputs) == 1 else None
        if takes_out:
            keyword = inspect.Parameter.KEYWORD_ONLY
            parameters.append(inspect.Parameter("out", keyword, default=None))
        self.signature = inspect.Signature(parameters)
        self._parameters = {each.name: each.default for each in parameters}
        self._defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        self._places = sum(each.kind is not each.KEYWORD_ONLY for each in parameters)
        self.kernels = Kernels(self.name)
        self.function = cast("Op", self._dispatcher(self.kernels))
        update_wrapper(self.function, formula)
        self.function.__doc__ = self._docstring(formula.__doc__ or "")
        vars(self.function).update(
            __signature__=self.signature,
            names=self.names,
            arrays=tuple(self.arrays),
            results=results,
            examples=examples,
            backward=None,
            partial={},
            trusted=self.trusted,
            check=self.check,
            derivative=self.derivative,
            partial_derivative=self.partial_derivative,
            kernel=self.kernel,
            declaration=self,
        )
        OPS[self.name] = self.function

    def _docstring(self, docstring: str) -> str:
        return docstring_of(docstring, self)

    def _dispatcher(self, kernels: Kernels) -> Callable[..., Any]:
        """Return the function that is called for the op: it asks kernels, and checks nothing.

        Each line in it is run before each small op. What it uses is at hand in its closure, and
        the op of one array has a signature of its own, both of which take half the time away.
        """
        lead, kernels_for, policy_now = self.lead, kernels.at_once.get, policy.get
        otherwise = self.otherwise

        def of_one_array(x: Array, *, out: Array | None = None) -> Any:
            suiting = None
            if policy_now() is None:
                suiting = kernels_for(type(x))
                if suiting is not None:
                    for kernel in suiting:
                        y = kernel(x, out=out)
                        if y is not None:
                            return y
            return otherwise((x,), {} if out is None else {"out": out}, suiting is None)

        def of_any(*inputs: Any, **settings: Any) -> Any:
            suiting = None
            if len(inputs) > lead and policy_now() is None:
                suiting = kernels_for(type(inputs[lead]))
                if suiting is not None:
                    try:
                        for kernel in suiting:
                            y = kernel(*inputs, **settings)
                            if y is not None:
                                return y
                    except TypeError:
                        self.arguments(inputs, settings)  # if they are wrong, it says so better
                        raise
            return otherwise(inputs, settings, suiting is None)

        return of_one_array if self.names == ("x",) and self.takes_out else of_any

    def otherwise(
        self, inputs: tuple[Any, ...], settings: dict[str, Any], ask_at_once: bool
    ) -> Any:
        """Do what the op does where no kernel was found at once."""
        arguments = self.arguments(inputs, settings)
        out = arguments.pop("out", None)
        if not RECORDERS.keys().isdisjoint(map(type, arguments.values())):
            return self._recorded(arguments, out)
        lead = arguments[self.names[self.lead]]
        if ask_at_once and hasattr(lead, "dtype"):
            result = self.kernels.ask(lead, *inputs, checks_itself=True, **settings)
            if result is not None:
                return result
        xp, plain = self._checked(arguments, out)
        if xp is not None and self.kernels.after_checks.get(type(lead), True):
            given = {**plain, "out": out} if self.takes_out else plain
            result = self.kernels.ask(lead, checks_itself=False, **given)
            if result is not None and plain is arguments:
                return result  # of what the user gave, a kernel makes what the user wants
        else:
            result = None
        if result is None:
            result = self._from_formula(xp, plain)
        return self._finished(xp, plain if self.of is None else arguments, out, result)

    def _recorded(self, arguments: dict[str, Any], out: Array | None) -> Any:
        if out is not None:
            msg = f"{self.title}: a recorded value is new; call without out="
            raise NotWritableError(msg)
        in_order = {name: arguments[name] for name in self.names}
        recorded = next(type(each) for each in in_order.values() if type(each) in RECORDERS)
        return RECORDERS[recorded](self.function, in_order)

    def trusted(self, *inputs: Any, **settings: Any) -> Any:
        """Do what the op does, with no more than ``dout`` to be checked."""
        result = self.kernels.ask_all(inputs[self.lead], *inputs, **settings)
        if result is not None:
            return result
        arguments = self.arguments(inputs, settings)
        out = arguments.pop("out", None)
        xp, plain = self._together(arguments)
        for check, names in self.checks_of_dout:
            check(self.title, *map(arguments.__getitem__, names))
        plain = self._with_plain_labels(plain)
        result = self._from_formula(xp, plain)
        return self._finished(xp, plain if self.of is None else arguments, out, result)

    def arguments(self, inputs: tuple[Any, ...], settings: dict[str, Any]) -> dict[str, Any]:
        """Return all arguments by name; Python's own error, and who was called, if they are wrong.

        ``Signature.bind`` takes longer than a small op does.
        """
        by_place = dict(zip(self.names, inputs, strict=False))
        if not settings and len(inputs) == self._places == len(self.names):
            return by_place
        arguments = {**self._defaults, **by_place, **settings}
        fits = len(inputs) <= self._places and by_place.keys().isdisjoint(settings)
        if not fits or arguments.keys() != self._parameters.keys():
            try:
                self.signature.bind(*inputs, **settings)
            except TypeError as error:
                msg = f"{self.title}: {error}"
                raise TypeError(msg) from None
        return arguments

    def _checked(self, arguments: dict[str, Any], out: Array | None) -> tuple[Any, dict[str, Any]]:
        """Return the namespace and the arguments to compute with, all of which are right."""
        xp, plain = self._together(arguments)
        for check, names in (*self.checks_of_dout, *self.checks):
            check(self.title, *map(arguments.__getitem__, names))
        if out is not None and self.like is not None:
            check_out(self.title, out, **{self.like: arguments[self.like]})
        return xp, self._with_plain_labels(plain)

    def _with_plain_labels(self, plain: dict[str, Any]) -> dict[str, Any]:
        for name in self.labels:
            labels = adapter_of(plain[name]).plain(plain[name])
            if labels is not plain[name]:
                plain = {**plain, name: labels}
        return plain

    def _together(self, arguments: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the namespace, None for numbers alone, and arguments with floats of one width."""
        arrays = {}
        for name, is_no_array in self.arrays.items():
            if is_no_array is None or not is_no_array(arguments[name]):
                arrays[name] = arguments[name]
        if not arrays:
            return None, arguments
        xp = namespace_of_alike(*arrays.values())
        if xp is not None:
            return xp, arguments
        xp, *together = floats_together(self.title, **arrays)
        return xp, {**arguments, **dict(zip(arrays, together, strict=True))}

    def _from_formula(self, xp: Namespace, plain: dict[str, Any]) -> Any:
        return self.formula(xp, **(plain if self.in_16_bits else self._widened(xp, plain)))

    def _finished(
        self, xp: Namespace, given: dict[str, Any], out: Array | None, result: Any
    ) -> Any:
        """Return a result in the dtypes of what it belongs to, where the user wants it."""
        if type(result) is tuple:
            pairs = zip(result, self._likes, strict=True)
            first, *others = (_rounded(xp, each, given, like) for each, like in pairs)
            return self._delivered(first, out), *others
        result = _rounded(xp, result, given, self._likes[0])
        return result if out is None else self._delivered(result, out)

    def _widened(self, xp: Namespace, plain: dict[str, Any]) -> dict[str, Any]:
        """Return what the formula gets: 16 bits in float32, in which sums may be held."""
        if not self._is_of_halves(plain):
            return plain
        floats = {n: plain[n] for n in self.arrays if hasattr(plain[n], "dtype")}
        return {**plain, **dict(zip(floats, widened(xp, *floats.values()), strict=True))}

    def _is_of_halves(self, plain: dict[str, Any]) -> bool:
        for name in self._likes[0]:
            if hasattr(plain[name], "dtype"):
                return is_half(plain[name].dtype)
        return False

    @cached_property
    def _likes(self) -> list[list[str]]:
        """For each result, names of arrays; it has the dtype of the first one that is an array.

        That is what a gradient belongs to, or else what is beside it.
        """
        arrays = [name for name in self.arrays if name != "dout"]
        if self.of is None:
            return [arrays] * len(self.results)
        before = [self.belong_to[: i + 1][::-1] for i in range(len(self.belong_to))]
        return [[*(n for n in names if n in arrays), *arrays] for names in before]

    def _delivered(self, result: Any, out: Array | None) -> Any:
        if out is not None and self.like is None:
            check_out(self.title, out, result=result)
        return delivered(result, out)

    @cached_property
    def title(self) -> str:
        """What a user calls it: ``xpnet.relu``, or ``xpnet.ops.relu_backward``."""
        at_top = getattr(sys.modules["xpnet"], self.name, None) is self.function
        return f"xpnet.{self.name}" if at_top else f"xpnet.ops.{self.name}"

    def check(self, function: Function) -> Function:
        _who, *names = inspect.signature(function).parameters
        self.checks.append((function, names))
        return function

    def derivative(self, formula: Callable[..., Any]) -> Op:
        self.function.backward = self._derivative(formula, tuple(self.arrays))
        return self.function.backward

    def partial_derivative(self, *of: str) -> Callable[[Callable[..., Any]], Op]:
        def declare(formula: Callable[..., Any]) -> Op:
            self.function.partial[of] = self._derivative(formula, of)
            return self.function.partial[of]

        return declare

    def _derivative(self, formula: Callable[..., Any], belong_to: tuple[str, ...]) -> Op:
        declared = Declaration(
            formula,
            examples=(),
            results=tuple(f"d{name}" for name in belong_to),
            in_16_bits=self.in_16_bits,
            takes_out=len(belong_to) == 1,
            of=self.function,
            belong_to=belong_to,
        )
        if declared.arrays["dout"] is _IS_NO_ARRAY["Array | float"]:
            declared.checks_of_dout.append((_dout_is_of_a_loss, ["dout"]))
        elif declared.like in self.results and declared.like not in self.names:
            declared.checks_of_dout.append((_dout_is_like, ["dout", declared.like]))
        return declared.function

    def kernel(
        self, provider: str, *, checks_itself: bool = False
    ) -> Callable[[Function], Function]:
        def register(function: Function) -> Function:
            own = inspect.signature(function).parameters.values()
            asked = self.signature.parameters.values()
            if [(each.name, each.kind) for each in own] != [(e.name, e.kind) for e in asked]:
                msg = f"a kernel of {self.name} must take {self.signature}"
                raise TypeError(msg)
            self.kernels.add(provider, function, checks_itself=checks_itself)
            return function

        return register


def _rounded(xp: Namespace, result: Any, given: dict[str, Any], likes: list[str]) -> Any:
    if hasattr(result, "dtype"):
        for name in likes:
            if hasattr(given[name], "dtype"):
                return rounded(xp, result, like=given[name])
    return result


def _dout_is_like(who: str, dout: Array, y: Array) -> None:
    if dout.shape != y.shape:
        raise ShapeError(upstream_shape_text(who, dout.shape, y.shape))


def _dout_is_of_a_loss(who: str, dout: Array | float) -> None:
    if not isinstance(dout, int | float) and dout.shape != ():
        raise ShapeError(upstream_shape_text(who, dout.shape, ()))
