"""What a Variable is before it can be differentiated: an array with a name, a shape and a look."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from dezero_shared.arrays import SCALARS, Array, as_array, as_operand, format_array

#: It tells of a call of a function and an assignment of data which came first.
clock = count()
new = object.__new__  # without __init__, which checks what a user hands in


class ArrayHolder:
    """An array of any module, with a name; the base of every stage's Variable, which sets both.

    data: the array, or None while there is none. Assigning to that of a leaf is noticed: a backward
    pass through a function that has used the former data is then an error. Assigning to that of a
    result is an error at once. (A change inside the array, as in `x.data[0] = 1.0`, goes
    unnoticed.)
    """

    __slots__ = ("__weakref__", "_data", "assigned", "name")
    _data: Any
    assigned: int | None  # when, by the clock; None for never
    __array_ufunc__ = None  # np.array(2.0) * x: NumPy leaves the product to the right operand

    @property
    def data(self) -> Array:
        if type(self._data) in SCALARS:  # kept as long as nobody looks, since it computes faster
            self._data = as_array(self._data)
        return self._data

    @data.setter
    def data(self, data: Array) -> None:
        creator = getattr(self, "creator", None)
        if creator is not None:
            raise RuntimeError(
                f"the data of a result cannot be assigned: the backward pass of "
                f"{type(creator).__name__}, which computed it, counts on it; assign to the leaf it "
                f"comes from and compute it again, or make a new Variable"
            )
        self._data = as_array(data)
        self.assigned = next(clock)

    @property
    def shape(self) -> tuple[int, ...]:
        try:
            return self._data.shape
        except AttributeError:  # a constant that is a number, or no data
            return as_array(self._data).shape

    @property
    def ndim(self) -> int:
        return as_array(self._data).ndim

    @property
    def size(self) -> int:
        return as_array(self._data).size

    @property
    def dtype(self) -> Any:
        return as_array(self._data).dtype

    def __len__(self) -> int:
        """The length of the first axis. Raises TypeError for a 0-d array, which has none."""
        if not self.shape:
            raise TypeError(f"a 0-d {type(self).__name__} has no len(); its shape is ()")
        return self.shape[0]

    def __repr__(self) -> str:
        return "variable(" + format_array(self._data).replace("\n", "\n" + " " * 9) + ")"

    def __getstate__(self) -> object:
        """For copy and pickle. Raises TypeError where a copy would need the whole graph copied."""
        creator = getattr(self, "creator", None)
        if creator is not None:
            raise TypeError(
                f"a Variable made by {type(creator).__name__} cannot be copied without the graph "
                f"behind it; copy its numbers instead, as in Variable(y.data.copy()), or "
                f"if it is the gradient of what is copied, call cleargrad() on that first"
            )
        state: Any = super().__getstate__()  # what __dict__ holds, what the slots hold
        # No function has used the copy yet; and another process has another clock.
        state[1]["assigned"] = None
        return state


def constant(variable: Any, x: Any, others: Iterable[Any] = ()) -> Any:
    """An array or a number as a constant, drawn in the graph but without a gradient.

    variable: the class of the constant. others: the operands that it meets, as `as_operand` takes
    them. Raises TypeError for anything else.
    """
    result = new(variable)
    result._data, result.requires_grad = as_operand(x, others), False
    result._grad = result.seed = result.name = result.assigned = result.creator = None
    result.generation = 0
    return result
