"""docs/report-schema.md as something to hold a report against."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "report-schema.md"
_ROW = re.compile(r"^\| `([^`]+)` \| ([a-z ]+) \| \S", re.MULTILINE)


def documented() -> dict[str, str]:
    """Return the type of every documented field."""
    rows = _ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    assert len(rows) == len(dict(rows)), "a field is documented twice"
    return dict(rows)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield path and value of everything that is not an object or a list."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from leaves(entry, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for entry in value:
            yield from leaves(entry, f"{path}[]")
    else:
        yield path, value


def matches(field: str, path: str) -> bool:
    """Whether a documented field stands for a path."""
    pattern = re.sub(r"<\w+>", "[^.]+", re.escape(field).replace(r"\<", "<").replace(r"\>", ">"))
    return re.fullmatch(pattern, path) is not None


def has_type(value: Any, types: str) -> bool:
    """Whether a value is of one of the types that the document names."""
    kinds = {
        "text": isinstance(value, str),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "null": value is None,
    }
    return any(kinds[kind] for kind in types.split(" or "))
