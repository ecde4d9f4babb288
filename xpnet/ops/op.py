"""An op, declared once: a formula, its derivative, what is asked, and examples.

::

    @op({"x": (5, 4)}, {"x": ()}, out=True)
    def relu(xp: Namespace, x: Array) -> Array:
        \"""Return ``x`` where it is positive, and 0 elsewhere.\"""
        return xp.maximum(x, 0)

    @relu.derivative
    def relu_backward(xp: Namespace, dout: Array, y: Array) -> Array:
        \"""Return ``dout * sign(y)``.\"""
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
from functools import cached_property, partial, update_wrapper
from typing import Any, Protocol, cast

from xpnet._typing import Array, Namespace
from xpnet.backends import adapter_of
from xpnet.checks import upstream_shape_text
from xpnet.dispatch import Kernels, policy
from xpnet.errors import ShapeError
from xpnet.ops.docs import completed
from xpnet.ops.output import check_out, delivered
from xpnet.ops.precision import rounded, widened
from xpnet.quiet import quiet
from xpnet.together import floats_together

__all__ = ["OPS", "RECORDERS", "Declaration", "Op", "op"]

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
        """Do the same with arguments that were checked before."""

    def check(self, function: Callable[..., None]) -> Callable[..., None]:
        """Declare what is asked: a function of what the op is called, and of arguments by name.

        It raises an error if something is wrong.
        """

    def derivative(
        self, formula: Callable[..., Any] | None = None, *, of: tuple[str, ...] | None = None
    ) -> Any:
        """Declare the derivative, or that with respect to some inputs: ``of=("W", "b")``."""

    def kernel(self, provider: str, *, checks_itself: bool = False) -> Callable[[Any], Any]:
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


_IS_NO_ARRAY: dict[str, Callable[[Any], bool]] = {
    "Array": lambda _: False,
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
        self.checks: list[tuple[Callable[..., None], list[str]]] = []
        _xp, *parameters = inspect.signature(formula).parameters.values()
        kinds = {each.name: str(each.annotation) for each in parameters}
        self.names = tuple(kinds)
        self.arrays = {n: _IS_NO_ARRAY[kind] for n, kind in kinds.items() if kind in _IS_NO_ARRAY}
        self.labels = [name for name, kind in kinds.items() if kind == "Labels"]
        self.lead = next((i for i, kind in enumerate(kinds.values()) if kind == "Array"), 0)
        inputs = [name for name in self.arrays if name != "dout"]
        self.like = inputs[0] if of is not None or len(inputs) == 1 else None
        if takes_out:
            keyword = inspect.Parameter.KEYWORD_ONLY
            parameters.append(inspect.Parameter("out", keyword, default=None))
        self.signature = inspect.Signature(parameters)
        self.kernels = Kernels(self.name)
        self.function = cast("Op", self._dispatcher(self.kernels))
        update_wrapper(self.function, formula)
        self.function.__doc__ = completed(formula.__doc__ or "", self)
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
            kernel=self.kernel,
            declaration=self,
        )
        OPS[self.name] = self.function

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
            return otherwise((x,), {"out": out}, suiting is None)

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
        for value in arguments.values():
            if type(value) in RECORDERS:
                in_order = {name: arguments[name] for name in self.names}
                return RECORDERS[type(value)](self.function, in_order)
        if ask_at_once:
            lead = arguments[self.names[self.lead]]
            result = self.kernels.ask(lead, *inputs, checks_itself=True, **settings)
            if result is not None:
                return result
        xp, plain = self._checked(arguments, out)
        result = self._by_kernel(plain, out, checks_itself=False)
        return self._computed(xp, arguments, plain, out, result)

    def trusted(self, *inputs: Any, **settings: Any) -> Any:
        """Do what the op does for arguments that were checked before."""
        arguments = self.arguments(inputs, settings)
        out = arguments.pop("out", None)
        lead = arguments[self.names[self.lead]]
        result = self.kernels.ask_all(lead, *inputs, **settings)
        if result is not None:
            return result
        xp, plain = self._together(arguments)
        return self._computed(xp, arguments, plain, out, None)

    def arguments(self, inputs: tuple[Any, ...], settings: dict[str, Any]) -> dict[str, Any]:
        """Return all arguments by name; Python's own error, and who was called, if they are wrong.

        ``Signature.bind`` takes longer than a small op does.
        """
        by_place = dict(zip(self.names, inputs, strict=False))
        arguments = {**self._defaults, **by_place, **settings}
        fits = len(inputs) <= self._places and by_place.keys().isdisjoint(settings)
        if not fits or len(arguments) != len(self.signature.parameters):
            try:
                self.signature.bind(*inputs, **settings)
            except TypeError as error:
                msg = f"{self.title}: {error}"
                raise TypeError(msg) from None
        return arguments

    def _checked(self, arguments: dict[str, Any], out: Array | None) -> tuple[Any, dict[str, Any]]:
        """Return the namespace and the arguments to compute with, all of which are right."""
        xp, plain = self._together(arguments)
        for check, names in self.checks:
            check(self.title, *[arguments[name] for name in names])
        if out is not None and self.like is not None:
            check_out(self.title, out, **{self.like: arguments[self.like]})
        return xp, plain

    def _together(self, arguments: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the namespace and plain arguments: floats of one width; None if all are numbers."""
        arrays = {
            name: arguments[name]
            for name, is_no_array in self.arrays.items()
            if not is_no_array(arguments[name])
        }
        if not arrays:
            return None, arguments
        xp, *together = floats_together(self.title, **arrays)
        return xp, {**arguments, **dict(zip(arrays, together, strict=True))}

    def _by_kernel(self, plain: dict[str, Any], out: Array | None, *, checks_itself: bool) -> Any:
        given = {**plain, "out": out} if self.takes_out else plain
        lead = plain[self.names[self.lead]]
        return self.kernels.ask(lead, checks_itself=checks_itself, **given)

    def _computed(
        self,
        xp: Namespace,
        arguments: dict[str, Any],
        plain: dict[str, Any],
        out: Array | None,
        result: Any,
    ) -> Any:
        """Return what a kernel or else the formula makes of plain arguments, as the user wants it."""
        if result is None:
            result = self.formula(xp, **self._widened(xp, plain))
        likes = self._likes(arguments, plain)
        if type(result) is tuple:
            first, *others = map(partial(_rounded, xp), result, likes)
            return self._delivered(first, out), *others
        return self._delivered(_rounded(xp, result, likes[0]), out)

    def _widened(self, xp: Namespace, plain: dict[str, Any]) -> dict[str, Any]:
        """Return what the formula gets: labels without a history, and 16 bits in float32."""
        given = {**plain, **{name: _plain(plain[name]) for name in self.labels}}
        if not self.in_16_bits:
            floats = {name: given[name] for name in self.arrays if hasattr(given[name], "dtype")}
            if floats:
                given.update(zip(floats, widened(xp, *floats.values()), strict=True))
        return given

    def _likes(self, arguments: dict[str, Any], plain: dict[str, Any]) -> list[Any]:
        """Return arrays of the dtypes of the results.

        A gradient has that of what it belongs to, or else that of the array beside it.
        """
        arrays = [name for name in self.arrays if hasattr(arguments[name], "dtype")]
        if self.of is None:
            return [plain[arrays[0]] if arrays else None] * len(self.results)
        beside = [arguments[name] for name in arrays if name != "dout"]
        likes, nearest = [], beside[0] if beside else None
        for name in self.belong_to:
            if name in arrays:
                nearest = arguments[name]
            likes.append(nearest)
        return likes

    def _delivered(self, result: Any, out: Array | None) -> Any:
        if out is not None and self.like is None:
            check_out(self.title, out, result=result)
        return delivered(result, out)

    @cached_property
    def title(self) -> str:
        """What a user calls it: ``xpnet.relu``, or ``xpnet.ops.relu_backward``."""
        at_top = getattr(sys.modules["xpnet"], self.name, None) is self.function
        return f"xpnet.{self.name}" if at_top else f"xpnet.ops.{self.name}"

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        parameters = self.signature.parameters.values()
        return {each.name: each.default for each in parameters if each.default is not each.empty}

    @cached_property
    def _places(self) -> int:
        """How many arguments may be given by their place."""
        return sum(each.kind is not each.KEYWORD_ONLY for each in self.signature.parameters.values())

    def check(self, function: Callable[..., None]) -> Callable[..., None]:
        _who, *names = inspect.signature(function).parameters
        self.checks.append((function, names))
        return function

    def derivative(
        self, formula: Callable[..., Any] | None = None, *, of: tuple[str, ...] | None = None
    ) -> Any:
        if formula is None:
            return partial(self.derivative, of=of)
        belong_to = tuple(self.arrays) if of is None else of
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
            declared.check(_dout_is_of_a_loss)
        elif declared.like in self.results and declared.like not in self.names:
            declared.checks.append((_dout_is_like, ["dout", declared.like]))
        if of is None:
            self.function.backward = declared.function
        else:
            self.function.partial[of] = declared.function
        return declared.function

    def kernel(self, provider: str, *, checks_itself: bool = False) -> Callable[[Any], Any]:
        def register(function: Any) -> Any:
            own = inspect.signature(function).parameters.values()
            asked = self.signature.parameters.values()
            if [(each.name, each.kind) for each in own] != [(e.name, e.kind) for e in asked]:
                msg = f"a kernel of {self.name} must take {self.signature}"
                raise TypeError(msg)
            self.kernels.add(provider, function, checks_itself=checks_itself)
            return function

        return register


def _plain(labels: Any) -> Any:
    return adapter_of(labels).plain(labels)


def _rounded(xp: Namespace, result: Any, like: Any) -> Any:
    return result if like is None else rounded(xp, result, like=like)


def _dout_is_like(who: str, dout: Array, y: Array) -> None:
    if dout.shape != y.shape:
        raise ShapeError(upstream_shape_text(who, dout.shape, y.shape))


def _dout_is_of_a_loss(who: str, dout: Array | float) -> None:
    if not isinstance(dout, int | float) and dout.shape != ():
        raise ShapeError(upstream_shape_text(who, dout.shape, ()))
