"""Reading what a request sends: form-encoded with brackets, then checked against what the route takes.

Stripe answers an unknown parameter with an error, and so does this: a parameter that the stand-in would silently ignore
would look supported.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from sandbox.stripe import errors

Check = Callable[[Any, str], Any]


def read(encoded: str) -> dict[str, Any]:
    """This function will turn ``items[0][price]=p`` into ``{"items": {"0": {"price": "p"}}}``."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        keys = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        node = tree
        for key in keys[:-1]:
            key = key or str(len(node))
            if not isinstance(node.get(key), dict):
                node[key] = {}
            node = node[key]
        node[keys[-1] or str(len(node))] = value
    return tree


def text(value: Any, name: str) -> str | None:
    if isinstance(value, dict):
        raise errors.Refused(f"Invalid string: {value}", param=name)
    return value or None


def integer(value: Any, name: str) -> int | None:
    if value == "":
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        raise errors.Refused(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name) from None


def whole(value: Any, name: str) -> int | None:
    number = integer(value, name)
    if number is not None and number < 0:
        raise errors.Refused(
            "This value must be greater than or equal to 0.", code="parameter_invalid_integer", param=name
        )
    return number


def decimal(value: Any, name: str) -> str | None:
    try:
        return format(Decimal(value).normalize(), "f") if value else None
    except InvalidOperation:
        raise errors.Refused(f"Invalid decimal: {value}", param=name) from None


def boolean(value: Any, name: str) -> bool | None:
    if value in ("true", "false"):
        return value == "true"
    if value == "":
        return None
    raise errors.Refused(f"Invalid boolean: {value}", param=name)


def mapping(value: Any, name: str) -> dict[str, str]:
    """Metadata: text to text; the empty text means "take it away"."""
    if value == "":
        return {"": ""}
    if not isinstance(value, dict) or any(isinstance(inner, dict) for inner in value.values()):
        raise errors.Refused("Invalid hash", param=name)
    if len(value) > 50 or any(len(key) > 40 or len(inner) > 500 for key, inner in value.items()):
        raise errors.Refused("Metadata takes 50 keys of 40 characters with values of 500 characters.", param=name)
    return value


def free(value: Any, name: str) -> Any:
    """Anything, with numbers and booleans recognised; for settings that are kept and given back."""
    if isinstance(value, dict):
        if value and all(key.isdigit() for key in value):
            return [free(inner, name) for inner in value.values()]
        return {key: mapping(inner, key) if key == "metadata" else free(inner, name) for key, inner in value.items()}
    if value in ("true", "false"):
        return value == "true"
    if re.fullmatch(r"-?\d{1,15}", value):
        return int(value)
    return value or None


def choice(*allowed: str) -> Check:
    def check(value: Any, name: str) -> str | None:
        if value not in (*allowed, ""):
            listed = ", ".join(allowed[:-1]) + (", or " if len(allowed) > 1 else "") + allowed[-1]
            raise errors.Refused(f"Invalid {name}: must be one of {listed}", param=name)
        return value or None

    return check


def listing(of: Check) -> Check:
    def check(value: Any, name: str) -> list[Any]:
        if value == "":
            return []
        if not isinstance(value, dict):
            raise errors.Refused("Invalid array", param=name)
        return [of(inner, f"{name}[{key}]") for key, inner in value.items()]

    return check


def shape(fields: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    def check(value: Any, name: str) -> dict[str, Any] | None:
        if value == "":
            return None
        if not isinstance(value, dict):
            raise errors.Refused("Invalid object", param=name)
        return accept(value, fields, required=required, within=name)

    return check


def moment(value: Any, name: str) -> int | str | None:
    """A timestamp, or the word ``now``."""
    return value if value == "now" else integer(value, name)


def span(value: Any, name: str) -> dict[str, int | None]:
    """A filter on a time: exactly, or with gt, gte, lt, lte."""
    if isinstance(value, dict):
        return accept(value, dict.fromkeys(("gt", "gte", "lt", "lte"), integer), within=name)
    return {"gte": integer(value, name), "lte": integer(value, name)}


ADDRESS = shape(dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), text))


def accept(
    given: dict[str, Any], fields: Mapping[str, Check], *, required: tuple[str, ...] = (), within: str = ""
) -> dict[str, Any]:
    """This function will check each value given and refuse names that are not in ``fields``."""

    def named(name: str) -> str:
        return f"{within}[{name}]" if within else name

    for name in given:
        if name not in fields:
            raise errors.Refused(
                f"Received unknown parameter: {named(name)}", code="parameter_unknown", param=named(name)
            )
    for name in required:
        if name not in given:
            raise errors.Refused(f"Missing required param: {named(name)}.", code="parameter_missing", param=named(name))
        if given[name] == "":
            raise errors.Refused(
                f"You passed an empty string for '{named(name)}'.", code="parameter_invalid_empty", param=named(name)
            )
    return {name: fields[name](value, named(name)) for name, value in given.items()}


def merge_metadata(document: dict[str, Any], change: dict[str, str] | None) -> None:
    """This function will merge metadata as Stripe does: keys are added, an empty value removes, all empty clears."""
    if change is None:
        return
    if change == {"": ""}:
        document["metadata"] = {}
        return
    merged = {**(document.get("metadata") or {}), **change}
    document["metadata"] = {key: value for key, value in merged.items() if value != ""}
