"""Which faster copy of an op runs: one registry, by op and by what a copy is made with.

An op is the truth; a *kernel* is a copy of it for one library, which may be faster and must mean
the same. A kernel is registered where it is defined, with ``@relu.kernel("numpy")``, and an op
finds those that suit an array once for each type of array. The modules with kernels are imported
when their library is first used: an adapter names them, and one that cannot be imported, such as
one that needs numba, leaves the reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import Any

from xpnet._typing import Array
from xpnet.backends import Adapter, adapter_of
from xpnet.errors import BackendMismatchError

__all__ = [
    "Kernel",
    "Kernels",
    "Provider",
    "allowed",
    "disabled",
    "only",
    "policy",
    "providers_of",
    "watch",
]


@dataclass(frozen=True)
class Kernel:
    """A faster copy of one op on one library.

    Attributes
    ----------
    op : str
        The name of the op in ``xpnet.ops``.
    backend : str
        The library's name.
    provider : str
        What the kernel is made with: ``"numpy"``, ``"numba"``, ``"cuda"``, ``"torch"``, ``"jax"``.
    run : callable
        Takes the op's arguments, and returns its result; or None for a dtype or layout that it
        does not take.
    checks_itself : bool
        Whether it also returns None for arguments that are wrong, so that an op may ask it before
        it checks them; else it is asked afterwards.
    """

    op: str
    backend: str
    provider: str
    run: Callable[..., Any] = field(repr=False)
    checks_itself: bool = field(default=False, repr=False)


@dataclass(frozen=True)
class Provider:
    """A module of kernels for one library, or the reason why there are none.

    Attributes
    ----------
    name : str
        As :attr:`Kernel.provider`.
    backend : str
        The library's name.
    reason : str or None
        Why there are none.
    problems : callable
        Looks for what makes kernels slow here or keeps them from running, and tells it.
    """

    name: str
    backend: str
    reason: str | None = None
    problems: Callable[[], Iterable[str]] = field(default=tuple, repr=False)

    @property
    def kernels(self) -> dict[str, Kernel]:
        """Its kernels by the names of their ops."""
        found = {op: kernels.of(self) for op, kernels in _ALL.items()}
        return {op: kernel for op, kernel in sorted(found.items()) if kernel is not None}


_NAMES = ("numpy", "numba", "cuda", "torch", "jax")


@cache
def providers_of(adapter: Adapter) -> tuple[Provider, ...]:
    """Return the providers of a library's kernels, the preferred ones first.

    ``XPNET_KERNELS`` may be ``off``, or name the providers to use, separated by commas.

    Raises
    ------
    ValueError
        If it names something else.
    """
    modules = {module.rpartition(".")[2]: module for module in adapter.kernels}
    text = os.environ.get("XPNET_KERNELS")
    chosen = None if text is None else text.split(",")
    known = dict.fromkeys([*_NAMES, *modules])
    if chosen is not None and chosen != ["off"] and not set(chosen) <= known.keys():
        msg = f"XPNET_KERNELS is {text!r}; it must be off, or some of {', '.join(known)}"
        raise ValueError(msg)
    return tuple(
        Provider(name, adapter.name, reason=f"XPNET_KERNELS is {text!r}")
        if chosen is not None and name not in chosen
        else _load(adapter, name, module)
        for name, module in modules.items()
    )


def _load(adapter: Adapter, name: str, module: str) -> Provider:
    try:
        found = import_module(module)
    except Exception as error:
        # Whatever it is: an optional copy of ops must not keep them from running.
        return Provider(name, adapter.name, reason=str(error) or type(error).__name__)
    return Provider(name, adapter.name, problems=getattr(found, "problems", tuple))


@dataclass(frozen=True)
class _Policy:
    """What a block has asked for: the providers allowed in it, and who listens."""

    allowed: frozenset[str] | None = None
    ran: list[Kernel] | None = None


policy: ContextVar[_Policy | None] = ContextVar("xpnet_kernels", default=None)
"""None is the usual case, and costs least."""


_ALL: dict[str, Kernels] = {}


class Kernels:
    """The kernels of one op.

    They are of two kinds, and :meth:`ask` asks one of them. Those that check their arguments
    themselves are asked first: where one takes the arguments, they were right, and checking them
    costs more than a small op. The others are asked once an op has checked them.

    Parameters
    ----------
    op : str
        The op's name.

    Attributes
    ----------
    at_once, after_checks : dict of type to tuple of callable
        For each type of array that was seen, what :meth:`ask` asks.
    """

    __slots__ = ("_found", "_registered", "after_checks", "at_once", "op")

    def __init__(self, op: str) -> None:
        self.op = op
        self.at_once: dict[type, tuple[Callable[..., Any], ...]] = {}
        self.after_checks: dict[type, tuple[Callable[..., Any], ...]] = {}
        self._found: dict[tuple[type, bool], tuple[Kernel, ...]] = {}
        self._registered: dict[str, tuple[Callable[..., Any], bool]] = {}
        _ALL[op] = self

    def add(self, provider: str, run: Callable[..., Any], *, checks_itself: bool) -> None:
        """Register a kernel by what it is made with; it replaces an older one."""
        self._registered[provider] = run, checks_itself
        for table in (self.at_once, self.after_checks, self._found):
            table.clear()

    def of(self, provider: Provider) -> Kernel | None:
        """Return the kernel of a provider, if it has one."""
        if provider.reason is not None or provider.name not in self._registered:
            return None
        return Kernel(self.op, provider.backend, provider.name, *self._registered[provider.name])

    def ask(self, array: Array, *args: Any, checks_itself: bool, **settings: Any) -> Any:
        """Return what the first kernel for an array's type returns that takes the arguments.

        None where the formula has to do the work; also where the array is none.
        """
        table = self.at_once if checks_itself else self.after_checks
        kernels = table.get(type(array))
        if kernels is None:
            try:
                kernels = self._find(array, table, checks_itself)
            except BackendMismatchError:  # the op will tell what is wrong
                return None
        now = policy.get()
        if now is not None:
            return self._ask_under(now, array, checks_itself, *args, **settings)
        for kernel in kernels:
            result = kernel(*args, **settings)
            if result is not None:
                return result
        return None

    def ask_all(self, array: Array, *args: Any, **settings: Any) -> Any:
        """Ask kernels of both kinds, for arguments that are known to be right."""
        result = self.ask(array, *args, checks_itself=True, **settings)
        return self.ask(array, *args, checks_itself=False, **settings) if result is None else result

    def _find(
        self,
        array: Array,
        table: dict[type, tuple[Callable[..., Any], ...]],
        checks_itself: bool,
    ) -> tuple[Callable[..., Any], ...]:
        found = map(self.of, providers_of(adapter_of(array)))
        suiting = tuple(k for k in found if k is not None and k.checks_itself is checks_itself)
        self._found[type(array), checks_itself] = suiting
        return table.setdefault(type(array), tuple(kernel.run for kernel in suiting))

    def _ask_under(
        self, now: _Policy, array: Array, checks_itself: bool, *args: Any, **settings: Any
    ) -> Any:
        for kernel in self._found[type(array), checks_itself]:
            if now.allowed is None or kernel.provider in now.allowed:
                result = kernel.run(*args, **settings)
                if result is not None:
                    if now.ran is not None:
                        now.ran.append(kernel)
                    return result
        return None


@contextmanager
def _under(now: _Policy) -> Iterator[None]:
    token = policy.set(now)
    try:
        yield
    finally:
        policy.reset(token)


def only(*providers: str) -> AbstractContextManager[None]:
    """Let ops use no kernels but those of some providers, in this thread or task alone.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> from xpnet import kernels
    >>> with kernels.only("numpy"), kernels.watch() as ran:
    ...     xpnet.softmax(np.zeros((1, 2)))
    array([[0.5, 0.5]])
    >>> ran
    [Kernel(op='softmax', backend='numpy', provider='numpy')]
    """
    return _under(replace(policy.get() or _Policy(), allowed=frozenset(providers)))


def disabled() -> AbstractContextManager[None]:
    """Let the generic ops do all the work, in this thread or task alone.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> from xpnet import kernels
    >>> with kernels.disabled(), kernels.watch() as ran:
    ...     xpnet.softmax(np.zeros((1, 2)))
    array([[0.5, 0.5]])
    >>> ran
    []
    """
    return only()


def allowed() -> frozenset[str] | None:
    """Return the providers whose kernels run in this block; None for all."""
    now = policy.get()
    return None if now is None else now.allowed


@contextmanager
def watch() -> Iterator[list[Kernel]]:
    """Note which kernels run, in this thread or task; see :func:`only` for an example."""
    ran: list[Kernel] = []
    with _under(replace(policy.get() or _Policy(), ran=ran)):
        yield ran
