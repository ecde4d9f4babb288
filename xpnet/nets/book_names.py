"""The names that the book gives to the parameters of its nets."""

from __future__ import annotations

__all__ = ["in_the_book"]


def in_the_book(paths: list[tuple[str, str]]) -> list[str]:
    """Return names that count the layers with parameters: ``W1``, ``b1``, ``W2``, ``b2``.

    Parameters
    ----------
    paths : list of (str, str)
        The path of the layer of each parameter, and the parameter's name there.

    Examples
    --------
    >>> in_the_book([("Affine1", "W"), ("Affine1", "b"), ("Affine2", "W")])
    ['W1', 'b1', 'W2']
    """
    numbers: dict[str, int] = {}
    return [f"{name}{numbers.setdefault(path, len(numbers) + 1)}" for path, name in paths]
