"""The text of a ``.cu`` file with its headers in it, as the compiler gets it.

Whole, because CuPy keeps compiled code on disk by the text that it was given: it would not see that
a header has changed.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

__all__ = ["source_of"]


@cache
def source_of(file: str) -> str:
    """Return the text of a file in this package.

    Examples
    --------
    >>> source_of("softmax.cu").count("struct Exponentials")
    1
    """
    return _with_headers(file, set())


def _with_headers(file: str, included: set[str]) -> str:
    """Put each header in the place of its first ``#include``."""
    if file in included:
        return ""
    included.add(file)
    parts = [f'#line 1 "{file}"\n']
    text = files(__package__).joinpath(file).read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        header = re.fullmatch(r'#include "(\w+\.cuh)"\n', line)
        if header is None:
            parts.append(line)
        else:
            parts += _with_headers(header[1], included), f'#line {number + 1} "{file}"\n'
    return "".join(parts)
