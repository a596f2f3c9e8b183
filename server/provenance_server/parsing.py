"""Turn what a door received into an argument model, and say what is wrong in words of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from provenance_core.clean import quoted
from provenance_core.errors import InvalidInput
from provenance_server.arguments import Arguments

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

A = TypeVar("A", bound=Arguments)

MOST_PROBLEMS = 5
_FIXED = {
    "missing": "is required",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be a text",
    "string_unicode": "must be a text of valid Unicode",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must not begin or end with a space or hold control characters",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "too_short": "must name at least one",
}


def parse_arguments(model: type[A], raw: object) -> A:
    """Return the arguments of an operation.

    Raises:
        InvalidInput: An argument is unknown, missing or wrong; every problem is named, up to five.
    """
    if not isinstance(raw, Mapping):
        raise InvalidInput("The arguments must be one JSON object.")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=True)
    told = _problems(problems, model)
    raise InvalidInput(f"Invalid arguments: {'; '.join(told)}.", {"problems": told})


def argument_names(model: type[Arguments]) -> list[str]:
    """Return the names callers use for a model's arguments."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _problems(errors: list[ErrorDetails], model: type[Arguments]) -> list[str]:
    told: list[str] = []
    unknown = False
    for error in errors:
        sentence = f"{_where(error, model)}: {_what(error)}"
        unknown = unknown or error["type"] == "extra_forbidden"
        if sentence not in told:
            told.append(sentence)
    shown = told[:MOST_PROBLEMS] + ([f"and {len(told) - MOST_PROBLEMS} more"] if len(told) > MOST_PROBLEMS else [])
    return [*shown, f"known arguments: {', '.join(argument_names(model))}"] if unknown else shown


def _where(error: ErrorDetails, model: type[Arguments]) -> str:
    """Name the argument: as we call it, or, where it is not ours, quoted."""
    first = str(error["loc"][0]) if error["loc"] else "arguments"
    for name, field in model.model_fields.items():
        if first in {name, field.alias}:
            inner = [str(part) for part in error["loc"][1:] if isinstance(part, str) and part.isidentifier()]
            inner = [part for part in inner if part[:1].islower() and part not in {"str", "tuple"}]
            return ".".join([field.alias or name, *inner][:3])
    return quoted(first)


def _what(error: ErrorDetails) -> str:
    kind, context = error["type"], dict[str, Any](error.get("ctx") or {})
    if kind == "extra_forbidden":
        return "unknown argument"
    if kind in _FIXED:
        return _FIXED[kind]
    limits = {
        "string_too_long": ("must have at most {max_length} characters", "max_length"),
        "too_long": ("must name at most {max_length}", "max_length"),
        "greater_than_equal": ("must be at least {ge}", "ge"),
        "less_than_equal": ("must be at most {le}", "le"),
        "enum": ("must be one of {expected}", "expected"),
    }
    if kind in limits and limits[kind][1] in context:
        return limits[kind][0].format(**context)
    if kind == "value_error":
        return str(context["error"])
    return "has the wrong form"
