"""A value that knows the call it came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NoReturn, final

import numpy as np

from xpnet._typing import Array, Number
from xpnet.arrays import detached
from xpnet.checks import describe_home
from xpnet.dtypes import dtype_name, is_real
from xpnet.errors import DTypeError, GraphError
from xpnet.graph.node import Node, next_number
from xpnet.ops import arithmetic, compare, elementwise, products, reductions, shapes

__all__ = ["Variable"]

_INSTEAD = (
    "use operators, methods of the Variable, ops of xpnet.ops, or a layer; its value alone is in "
    "data"
)


@final
class Variable:
    """A value that knows the call it came from: a node of a computational graph.

    Operators, methods, ops of ``xpnet.ops`` and layers that get one return another, and
    ``backward`` goes back through all that led to it. In the forward of an :class:`xpnet.Net` all
    inputs are such values.

    Parameters
    ----------
    data : array or number
        An array of any library, or a Python number.
    name : str, optional
        For people.

    Attributes
    ----------
    grad : array, number or None
        The gradient of the value whose ``backward`` was called last, with respect to this one; in
        its shape and dtype.
    name : str or None
        As given.

    Raises
    ------
    BackendMismatchError, DTypeError
        If it is neither a number nor an array of real numbers.

    Examples
    --------
    Apples and oranges, of the book's chapter on backpropagation:

    >>> from xpnet import Variable
    >>> apple, apples = Variable(100.0, name="apple"), Variable(2)
    >>> orange, oranges, tax = Variable(150.0), Variable(3), Variable(1.1)
    >>> price = (apple * apples + orange * oranges) * tax
    >>> price.backward()
    >>> price.data, apple.grad, apples.grad, tax.grad
    (715.0000000000001, 2.2, 110.00000000000001, 650.0)

    Arrays, with the layers and ops of xpnet:

    >>> import numpy as np, xpnet
    >>> x = Variable(np.asarray([[1.0, -2.0]]))
    >>> y = (xpnet.ReLU()(x) ** 2).sum()
    >>> y.backward()
    >>> x.grad
    array([[2., 0.]])
    """

    __slots__ = ("__weakref__", "_data", "_grad", "_graph", "_name", "_node", "_number")

    instead_of_an_array: ClassVar[str] = (
        "call the layer itself, layer(x), which records it and gives forward plain arrays"
    )

    _free: ClassVar[Any]
    _data: Any
    _graph: Any
    _number: int

    def __init__(self, data: Any, name: str | None = None) -> None:
        if isinstance(data, Variable):
            msg = "Variable: data is a Variable already; its value is in data.data"
            raise GraphError(msg)
        if type(data) not in (int, float):
            describe_home(data)  # or an error: it is no array
            if not is_real(data.dtype):
                msg = f"Variable: data is of dtype {dtype_name(data.dtype)}, not of real numbers"
                raise DTypeError(msg)
            data = detached(data)
        self._data, self._number, self._graph = data, next_number(), self._free
        self._node: Node | None = None
        self.name = name

    @property
    def data(self) -> Array | Number:
        """The value alone. A net that reads it in its forward cannot be compiled."""
        self._graph.note_read()
        return self._data

    # Both are unset until somebody sets them: most values in a net have neither.

    @property
    def grad(self) -> Array | Number | None:
        return getattr(self, "_grad", None)

    @grad.setter
    def grad(self, grad: Array | Number | None) -> None:
        self._grad = grad

    @property
    def name(self) -> str | None:
        return getattr(self, "_name", None)

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = name

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(getattr(self._data, "shape", ()))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def dtype(self) -> Any:
        """The dtype of the array; the type of a number."""
        return getattr(self._data, "dtype", type(self._data))

    @property
    def T(self) -> Any:
        """The transpose, with all axes in reverse order."""
        return self.transpose()

    def __repr__(self) -> str:
        name = "" if self.name is None else f", name={self.name!r}"
        if not self.shape and not hasattr(self._data, "shape"):
            return f"Variable({self._data!r}{name})"
        where = describe_home(self._data)
        return f"Variable({dtype_name(self.dtype)} {self.shape} in {where}{name})"

    def backward(self, dout: Any = None, *, create_graph: bool = False) -> None:
        """Go back through the graph, and bind its gradient to every Variable before this one.

        A second time the same gradients are bound: nothing adds up. Layers keep the gradients of
        their parameters in ``grads``, as ever.

        Parameters
        ----------
        dout : array or number, optional
            The gradient of what follows with respect to this value, of its shape; 1 for a scalar.
        create_graph : bool
            Whether derivatives of derivatives are wanted; they are not offered.

        Raises
        ------
        ShapeError
            If the value is no scalar and there is no ``dout``, or it has another shape.
        GraphError
            If derivatives of derivatives are asked for, or something on the way has none.
        BackwardError
            In the forward of a net, which goes back by itself.

        Examples
        --------
        >>> import numpy as np
        >>> from xpnet import Variable
        >>> x = Variable(np.asarray([1.0, 2.0]))
        >>> (3 * x).backward(np.asarray([1.0, 10.0]))
        >>> x.grad
        array([ 3., 30.])
        """
        if create_graph or isinstance(dout, Variable):
            msg = (
                "backward: derivatives of derivatives are not offered; gradients are plain arrays, "
                "and so is dout"
            )
            raise GraphError(msg)
        self._graph.backward(self, dout)

    # Methods

    def reshape(self, *shape: Any) -> Any:
        """See :func:`xpnet.ops.reshape`; ``x.reshape(2, -1)`` or ``x.reshape((2, -1))``."""
        return shapes.reshape(self, _unpacked(shape))

    def transpose(self, *axes: Any) -> Any:
        """See :func:`xpnet.ops.transpose`; all axes in reverse order unless given."""
        return shapes.transpose(self, _unpacked(axes) if axes else None)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        """See :func:`xpnet.ops.sum`."""
        return reductions.sum(self, axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        """See :func:`xpnet.ops.mean`."""
        return reductions.mean(self, axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        """See :func:`xpnet.ops.max`."""
        return reductions.max(self, axis, keepdims)

    def __getitem__(self, index: Any) -> Any:
        return shapes.getitem(self, index)

    def __len__(self) -> int:
        if not self.shape:
            msg = "a Variable of shape () has no length"
            raise TypeError(msg)
        return self.shape[0]

    def __iter__(self) -> Iterator[Variable]:
        return iter([self[i] for i in range(len(self))])

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        msg = (
            "a Variable is not written to, for others may need its values; build another with "
            "xpnet.ops.where or xpnet.ops.concat"
        )
        raise GraphError(msg)

    # Operators

    def __add__(self, other: Any) -> Any:
        return self._graph.op(arithmetic.add, (self, other))

    def __radd__(self, other: Any) -> Any:
        return self._graph.op(arithmetic.add, (other, self))

    def __sub__(self, other: Any) -> Any:
        return self._graph.op(elementwise.subtract, (self, other))

    def __rsub__(self, other: Any) -> Any:
        return self._graph.op(elementwise.subtract, (other, self))

    def __mul__(self, other: Any) -> Any:
        return self._graph.op(arithmetic.mul, (self, other))

    def __rmul__(self, other: Any) -> Any:
        return self._graph.op(arithmetic.mul, (other, self))

    def __truediv__(self, other: Any) -> Any:
        return self._graph.op(elementwise.divide, (self, other))

    def __rtruediv__(self, other: Any) -> Any:
        return self._graph.op(elementwise.divide, (other, self))

    def __pow__(self, other: Any) -> Any:
        return self._graph.op(elementwise.power, (self, other))

    def __rpow__(self, other: Any) -> Any:
        return self._graph.op(elementwise.power, (other, self))

    def __matmul__(self, other: Any) -> Any:
        return self._graph.op(products.matmul, (self, other))

    def __rmatmul__(self, other: Any) -> Any:
        return self._graph.op(products.matmul, (other, self))

    def __neg__(self) -> Any:
        return self._graph.op(elementwise.negative, (self,))

    def __pos__(self) -> Variable:
        return self

    def __abs__(self) -> Any:
        return self._graph.op(elementwise.absolute, (self,))

    # Comparisons have no derivative: they are the conditions of ``where``.

    def __lt__(self, other: Any) -> Any:
        return self._graph.op(compare.less, (self, other))

    def __le__(self, other: Any) -> Any:
        return self._graph.op(compare.less_equal, (self, other))

    def __gt__(self, other: Any) -> Any:
        return self._graph.op(compare.greater, (self, other))

    def __ge__(self, other: Any) -> Any:
        return self._graph.op(compare.greater_equal, (self, other))

    def __eq__(self, other: object) -> Any:
        return self._graph.op(compare.equal, (self, other))

    def __ne__(self, other: object) -> Any:
        return self._graph.op(compare.not_equal, (self, other))

    __hash__ = object.__hash__

    # A number for Python: the value alone, which is no longer recorded.

    def __bool__(self) -> bool:
        return bool(self._scalar("bool"))

    def __float__(self) -> float:
        return float(self._scalar("float"))

    def __int__(self) -> int:
        return int(self._scalar("int"))

    def __format__(self, spec: str) -> str:
        return format(self._scalar("format"), spec) if spec else str(self)

    def _scalar(self, what: str) -> Any:
        if self.size != 1:
            msg = (
                f"{what}: a Variable of shape {self.shape} is not one number; choose between "
                "values with xpnet.ops.where(x > 0, x, 0)"
            )
            raise GraphError(msg)
        return self.data

    # Functions of array libraries: operators of theirs are recorded, nothing else can be.

    __array_priority__ = 1000

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        operator = _OPERATORS.get(ufunc.__name__)
        if operator is None or method != "__call__" or settings:
            raise GraphError(_cannot(f"numpy.{ufunc.__name__}"))
        return operator(*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> NoReturn:
        raise GraphError(_cannot(f"numpy.{function.__name__}"))

    def __array__(self, *args: Any, **settings: Any) -> NoReturn:
        raise GraphError(_cannot("numpy.asarray"))

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        name = function.__name__.strip("_")
        turned = name.removeprefix("r") in _OF_TORCH and name not in _OF_TORCH
        operator = _OF_TORCH.get(name.removeprefix("r") if turned else name)
        if operator is None or kwargs:
            raise GraphError(_cannot(f"torch.{name}"))
        inputs = tuple(reversed(args)) if turned else tuple(args)
        return operator(*inputs)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy is a value of its own, from which nothing leads back.
        return Variable, (self._data, self.name)


def _unpacked(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 else values


def _cannot(function: str) -> str:
    return f"{function} cannot record what it does with a Variable; {_INSTEAD}"


_OPERATORS = {
    "add": arithmetic.add,
    "subtract": elementwise.subtract,
    "multiply": arithmetic.mul,
    "divide": elementwise.divide,
    "power": elementwise.power,
    "matmul": products.matmul,
    "negative": elementwise.negative,
    "absolute": elementwise.absolute,
    "less": compare.less,
    "less_equal": compare.less_equal,
    "greater": compare.greater,
    "greater_equal": compare.greater_equal,
    "equal": compare.equal,
    "not_equal": compare.not_equal,
}

_OF_TORCH = {
    "add": arithmetic.add,
    "sub": elementwise.subtract,
    "mul": arithmetic.mul,
    "div": elementwise.divide,
    "truediv": elementwise.divide,
    "pow": elementwise.power,
    "matmul": products.matmul,
    "lt": compare.less,
    "le": compare.less_equal,
    "gt": compare.greater,
    "ge": compare.greater_equal,
    "eq": compare.equal,
    "ne": compare.not_equal,
}
