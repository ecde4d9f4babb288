"""What the docstrings of all ops say alike, said once: it follows from their declarations."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xpnet.ops.op import Declaration

__all__ = ["completed", "docstring_of"]

_ORDER = ("Parameters", "Returns", "Raises", "Examples")

_OUT = """\
out : array, optional
    Where to write the result, of its shape, dtype and home; it may be ``{like}`` itself."""

_NOT_FLOATS = """\
DTypeError
    If an array is not of floats, or 16 bits meet another width.
BackendMismatchError
    If an argument is no array, or the arrays do not live together."""

_NOT_INTO_OUT = """\
ShapeError, NotWritableError
    If the result does not go into ``out``."""

_NO_DERIVATIVE = """\
ShapeError, DTypeError, BackendMismatchError{more}
    As :func:`{forward}`, or if the arguments do not belong together."""


def completed(docstring: str, parameters: dict[str, str], returns: str, errors: list[str]) -> str:
    """Return a docstring with all that its author has not written.

    Parameters
    ----------
    docstring : str
        Of a formula.
    parameters : dict of str to str
        Entries by name, for those that are missing.
    returns : str
        For one without this section.
    errors : list of str
        Entries that are added to others.
    """
    text, *parts = re.split(r"\n\n(\w+)\n-+\n", inspect.cleandoc(docstring))
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    written = sections.get("Parameters", "")
    listed = re.findall(r"^([\w, ]+?)(?: :|$)", written, re.MULTILINE)
    named = {name for names in listed for name in names.split(", ")}
    missing = [text for name, text in parameters.items() if name not in named]
    sections["Parameters"] = "\n".join(filter(None, [written, *missing]))
    sections.setdefault("Returns", returns)
    sections["Raises"] = "\n".join(filter(None, [sections.get("Raises", ""), *errors]))
    whole = [f"{name}\n{'-' * len(name)}\n{sections[name]}" for name in _ORDER if name in sections]
    return "\n\n".join([text, *whole])


def docstring_of(docstring: str, declared: Declaration) -> str:
    """Return the docstring of an op, completed from its declaration."""
    parameters = {}
    if declared.of is not None:
        parameters = {name: _of_derivative(declared, name) for name in declared.names}
    if declared.takes_out:
        like = declared.like if declared.of is None else "dout"
        loss = declared.of is not None and "loss" in declared.of.results
        like = "y" if loss else like or "x"
        parameters["out"] = _OUT.format(like=like)
    return completed(docstring, parameters, _returns(declared), _errors(declared))


def _of_derivative(declared: Declaration, name: str) -> str:
    forward = declared.of
    assert forward is not None
    if name == "dout" and "loss" in forward.results:
        return (
            "dout : array of shape (), or number\n"
            "    The gradient of what follows with respect to the loss."
        )
    if name == "dout":
        of = forward.results[0]
        return f"dout : array\n    The gradient of the loss with respect to ``{of}``."
    if name in forward.results and name not in forward.names:
        return f"{name} : array\n    As :func:`{forward.__name__}` returned it."
    return f"{name}\n    As in forward."


def _returns(declared: Declaration) -> str:
    end = "; ``out`` if given." if declared.takes_out else "."
    if declared.of is None:
        return f"array\n    Of the shape, dtype, library and device of ``{declared.like}``{end}"
    if len(declared.belong_to) > 1:
        gradients = ", ".join(f"d{name}" for name in declared.belong_to)
        return f"{gradients} : array\n    Each of the shape and dtype of what it belongs to."
    (name,) = declared.belong_to
    return f"array\n    The gradient with respect to ``{name}``, of its shape and dtype{end}"


def _errors(declared: Declaration) -> list[str]:
    if declared.of is not None:
        more = ", NotWritableError" if declared.takes_out else ""
        return [_NO_DERIVATIVE.format(more=more, forward=declared.of.__name__)]
    return [_NOT_FLOATS, *([_NOT_INTO_OUT] if declared.takes_out else [])]
