"""Which faster copy of an op runs: one registry, by op and array library.

An op is the truth; a *kernel* is a copy of it for one library, which may be faster and must mean
the same. An op asks its :class:`Dispatcher`, which finds the kernels once for each type of array.
They register themselves when their library is first used: an adapter names the modules, and a
module that cannot be imported, such as one that needs numba, leaves the reason.
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
    "Dispatcher",
    "Kernel",
    "Provider",
    "allowed",
    "disabled",
    "only",
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
        Takes the op's arguments in order, and returns its result; or None for a dtype or layout
        that it does not take.
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
    kernels : dict of str to Kernel
        By the names of their ops.
    reason : str or None
        Why there are none.
    problems : callable
        Looks for what makes kernels slow here or keeps them from running, and tells it.
    """

    name: str
    backend: str
    kernels: dict[str, Kernel] = field(default_factory=dict)
    reason: str | None = None
    problems: Callable[[], Iterable[str]] = field(default=tuple, repr=False)


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
    checks_itself = getattr(found, "CHECKS_ITSELF", False)
    kernels = {
        op: Kernel(op, adapter.name, name, run, checks_itself) for op, run in found.KERNELS.items()
    }
    return Provider(name, adapter.name, kernels, problems=getattr(found, "problems", tuple))


@dataclass(frozen=True)
class _Policy:
    """What a block has asked for: the providers allowed in it, and who listens."""

    allowed: frozenset[str] | None = None
    ran: list[Kernel] | None = None


# None is the usual case, and costs least.
_policy: ContextVar[_Policy | None] = ContextVar("xpnet_kernels", default=None)


class Dispatcher:
    """The kernels of one op.

    Called with the arguments of the op, it returns what the first kernel returns that takes them,
    or None where the generic op has to do the work. An op calls :meth:`unchecked` first: where a
    kernel takes the arguments, they were right, and checking them costs more than a small op.

    Parameters
    ----------
    op : str
        The op's name.
    """

    __slots__ = ("_checked", "_unchecked", "op")

    def __init__(self, op: str) -> None:
        self.op = op
        self._checked: dict[type, tuple[Kernel, ...]] = {}
        self._unchecked: dict[type, tuple[Kernel, ...]] = {}

    def __call__(self, array: Array, *args: Any, **settings: Any) -> Any:
        """Ask the kernels that rely on checked arguments."""
        kernels = self._checked.get(type(array))
        if kernels is None:
            kernels = self._find(array, self._checked, checks_itself=False)
        if _policy.get() is not None:
            return self._run_under_policy(kernels, array, *args, **settings)
        for kernel in kernels:
            result = kernel.run(array, *args, **settings)
            if result is not None:
                return result
        return None

    def unchecked(self, array: Array, *args: Any, **settings: Any) -> Any:
        """Ask the kernels that look at their arguments themselves; the array may be anything."""
        kernels = self._unchecked.get(type(array))
        if kernels is None:
            try:
                kernels = self._find(array, self._unchecked, checks_itself=True)
            except BackendMismatchError:  # the op will tell what is wrong
                return None
        if _policy.get() is not None:
            return self._run_under_policy(kernels, array, *args, **settings)
        for kernel in kernels:  # as above, and not in a function: each call counts here
            result = kernel.run(array, *args, **settings)
            if result is not None:
                return result
        return None

    def of_any_kind(self, array: Array, *args: Any, **settings: Any) -> Any:
        """Ask all kernels, for arguments that are known to be right."""
        result = self.unchecked(array, *args, **settings)
        return self(array, *args, **settings) if result is None else result

    def _find(
        self, array: Array, table: dict[type, tuple[Kernel, ...]], *, checks_itself: bool
    ) -> tuple[Kernel, ...]:
        kernels = (provider.kernels.get(self.op) for provider in providers_of(adapter_of(array)))
        found = tuple(k for k in kernels if k is not None and k.checks_itself is checks_itself)
        return table.setdefault(type(array), found)

    @staticmethod
    def _run_under_policy(kernels: tuple[Kernel, ...], *args: Any, **settings: Any) -> Any:
        policy = _policy.get() or _Policy()
        for kernel in kernels:
            if policy.allowed is None or kernel.provider in policy.allowed:
                result = kernel.run(*args, **settings)
                if result is not None:
                    if policy.ran is not None:
                        policy.ran.append(kernel)
                    return result
        return None


@contextmanager
def _under(policy: _Policy) -> Iterator[None]:
    token = _policy.set(policy)
    try:
        yield
    finally:
        _policy.reset(token)


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
    return _under(replace(_policy.get() or _Policy(), allowed=frozenset(providers)))


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
    policy = _policy.get()
    return None if policy is None else policy.allowed


@contextmanager
def watch() -> Iterator[list[Kernel]]:
    """Note which kernels run, in this thread or task; see :func:`only` for an example."""
    ran: list[Kernel] = []
    with _under(replace(_policy.get() or _Policy(), ran=ran)):
        yield ran
