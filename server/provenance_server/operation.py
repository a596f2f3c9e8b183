"""What an operation is: its name, arguments and answer, where it stands in HTTP, and the function behind it.

The contract is apart from the function, because a process that asks a remote server, or that has to answer before
its first question comes, need not load the store.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from provenance_core.access import Scope
from provenance_core.events import Model
from provenance_server.arguments import Arguments
from provenance_server.parsing import parse_arguments

if TYPE_CHECKING:
    from provenance_server.context import Context

A = TypeVar("A", bound=Arguments)
R = TypeVar("R", bound=Model)
Method = Literal["GET", "POST", "PATCH", "DELETE"]

_IMPLEMENTATIONS = "provenance_server.implementations"
_functions: dict[str, Callable[[Any, Any], Any]] = {}


@dataclass(frozen=True)
class Operation(Generic[A, R]):
    """One operation, the same behind every door.

    Args:
        name: Its name; the function that implements it has the same.
        arguments: The model of its arguments.
        answer: The model of its answer.
        method: The HTTP method.
        path: The HTTP path; what stands in braces are the model's path arguments.
        title: A few words for people.
        scope: What a caller needs.
        status: Which HTTP status an answer has.
    """

    name: str
    arguments: type[A]
    answer: type[R]
    method: Method
    path: str
    title: str
    scope: Scope
    status: Callable[[R], int] = lambda _: 200

    @property
    def run(self) -> Callable[[Context, A], R]:
        """Return the function that implements the operation."""
        if self.name not in _functions:
            importlib.import_module(_IMPLEMENTATIONS)
        return cast("Callable[[Context, A], R]", _functions[self.name])

    @property
    def description(self) -> str:
        """Return what the operation does, in the words of its docstring."""
        return inspect.cleandoc(self.run.__doc__ or "")

    def __call__(self, context: Context, raw: object) -> R:
        """Run for a caller who may: parse raw arguments, and withhold of the answer what the caller may not see.

        Raises:
            ProvenanceError: Whatever the operation refuses.
        """
        context.access.require(self.scope)
        return context.shown(self.run(context, parse_arguments(self.arguments, raw)))


def implements(
    operation: Operation[A, R],
) -> Callable[[Callable[[Context, A], R]], Callable[[Context, A], R]]:
    """Make a function the implementation of an operation; their names must agree."""

    def register(function: Callable[[Context, A], R]) -> Callable[[Context, A], R]:
        if function.__name__ != operation.name:
            raise ValueError(f"{function.__name__} cannot implement {operation.name}")
        _functions[operation.name] = function
        return function

    return register
