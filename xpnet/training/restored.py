"""Parameters that are as they were if an error comes."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

from xpnet._typing import Array
from xpnet.arrays import array_namespace, detached
from xpnet.backends import adapter_of

__all__ = ["restored_after_errors"]


@contextmanager
def restored_after_errors(params: MutableMapping[str, Array]) -> Iterator[None]:
    """Bind and fill parameters as before, if the block ends with an error.

    Parameters
    ----------
    params : mapping of str to array
        Where a library can write to arrays, they are copied first.

    Examples
    --------
    >>> import numpy as np
    >>> params = {"W": np.ones(2)}
    >>> with restored_after_errors(params):
    ...     params["W"] *= 2
    ...     raise KeyError("b")
    Traceback (most recent call last):
    ...
    KeyError: 'b'
    >>> params["W"]
    array([1., 1.])
    """
    before = dict(params)
    copies = {
        name: array_namespace(array).asarray(array, copy=True)
        for name, array in before.items()
        if adapter_of(array).is_writable(detached(array))
    }
    try:
        yield
    except BaseException:
        for name, array in before.items():
            if name in copies:
                detached(array)[...] = copies[name]
            params[name] = array
        raise
