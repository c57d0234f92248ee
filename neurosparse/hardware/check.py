"""What is wrong with a description: every problem found, as texts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

from neurosparse.hardware.encoding import SynapseEncoding
from neurosparse.hardware.limits import LIMITS, ORDERED
from neurosparse.hardware.quantity import Confidence
from neurosparse.hardware.tables import Operation

__all__ = [
    "encoding_problems",
    "heading_problems",
    "limit_problems",
    "quantity_problems",
    "section_problems",
    "table_problems",
]

_ENTRY_UNITS = {"energy": ("fJ", "pJ", "nJ", "uJ", "J"), "time": ("ns", "us", "ms", "s")}

_QUANTITY = ("value", "unit", "source", "confidence")
_CHOICE = ("values", "unit", "source", "confidence")
_ENCODING_UNITS = {"group_synapses": "1"}  # all others are widths in bits


def section_problems(content: Mapping[str, Any], known: tuple[str, ...]) -> list[str]:
    """Tell sections that there are not, and those that are no tables.

    Parameters
    ----------
    content : mapping
        A file, as read.
    known : tuple of str
        Sections that there are.
    """
    found = [
        f"[{name}]: unknown; known are {', '.join(known)}" for name in content if name not in known
    ]
    return found + [
        f"{name}: must be a table" for name in known if not isinstance(content.get(name, {}), dict)
    ]


def heading_problems(
    section: Mapping[str, Any],
    where: str,
    required: tuple[str, ...],
    optional: tuple[str, ...] = ("notes",),
    others: tuple[str, ...] = (),
) -> list[str]:
    """Check the texts of a heading.

    Parameters
    ----------
    section : mapping
        Of texts.
    where : str
        Its name, for messages.
    required, optional : tuple of str
        Texts it must and may have; a required one is not empty.
    others : tuple of str
        Entries that are checked elsewhere.
    """
    known = (*required, *optional, *others)
    found = [f"[{where}] {key}: unknown" for key in section if key not in known]
    found += [
        f"[{where}] {key}: must be text, not empty"
        for key in required
        if not isinstance(section.get(key), str) or not section[key].strip()
    ]
    return found + [
        f"[{where}] {key}: must be text"
        for key in optional
        if not isinstance(section.get(key, ""), str)
    ]


def quantity_problems(
    entry: Any,
    units: tuple[str, ...],
    *,
    least: float | None = 0,
    whole: bool = False,
) -> list[str]:
    """Check a number with its unit, source and confidence.

    Parameters
    ----------
    entry : object
        As read.
    units : tuple of str
        Allowed ones.
    least : float, optional
        Smallest value allowed; None for any.
    whole : bool, optional
        Whether it must be an integer.
    """
    found = _provenance_problems(entry, _QUANTITY, units)
    if not isinstance(entry, dict) or "value" not in entry:
        return found
    value = entry["value"]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value):
        found.append(f"value: got {value!r}; must be a finite number")
    elif whole and value != int(value):
        found.append(f"value: got {value!r}; must be a whole number")
    elif least is not None and value < least:
        found.append(f"value: got {value!r}; must be at least {least}")
    return found


def limit_problems(limits: Mapping[str, Any]) -> list[str]:
    """Check limits, each by itself and beside the others."""
    found: list[str] = []
    sound: dict[str, float] = {}
    for name, entry in limits.items():
        if name not in LIMITS:
            found.append(f"[limits.{name}] unknown; known are {', '.join(LIMITS)}")
            continue
        unit, _, least = LIMITS[name]
        problems = quantity_problems(entry, (unit,), least=least, whole=True)
        found += [f"[limits.{name}] {text}" for text in problems]
        if not problems:
            sound[name] = entry["value"]
    found += [
        f"[limits] {low} is {sound[low]}, more than {high}, {sound[high]}"
        for low, high in ORDERED
        if low in sound and high in sound and sound[low] > sound[high]
    ]
    mesh = ("mesh_columns", "mesh_rows", "tiles")
    if all(name in sound for name in mesh):
        columns, rows, tiles = (sound[name] for name in mesh)
        if columns * rows != tiles:
            found.append(
                f"[limits] mesh_columns x mesh_rows is {columns * rows}, not tiles, {tiles}"
            )
    return found


def encoding_problems(section: Mapping[str, Any]) -> list[str]:
    """Check the constants of the synapse encoding; an empty section states none."""
    if not section:
        return []
    names = {field.name: field.type for field in fields(SynapseEncoding)}
    found = [
        f"[encoding.{name}] unknown; known are {', '.join(names)}"
        for name in section
        if name not in names
    ]
    for name, kind in names.items():
        if name not in section:
            found.append(f"[encoding.{name}] is missing; state all of {', '.join(names)}, or none")
            continue
        units = (_ENCODING_UNITS.get(name, "bit"),)
        problems = (
            _choice_problems(section[name], units)
            if kind == "Choice"
            else quantity_problems(
                section[name], units, least=0 if name == "header_bits" else 1, whole=True
            )
        )
        found += [f"[encoding.{name}] {text}" for text in problems]
        if name == "index_bits" and not problems and max(section[name]["values"]) < 1:
            found.append("[encoding.index_bits] got no width above 0; targets have to be numbered")
    return found


def table_problems(name: str, table: Any) -> list[str]:
    """Check one table of costs."""
    where = f"tables.{name}"
    if not isinstance(table, dict):
        return [f"{where}: must be a table"]
    parts = ("prices", "energy", "time")
    found = [
        f"{where}.{part}: must be a table"
        for part in parts
        if not isinstance(table.get(part, {}), dict)
    ]
    found += heading_problems(table, where, ("title",), others=parts)
    if any(not isinstance(table.get(part, {}), dict) for part in parts):
        return found
    for part, units in _ENTRY_UNITS.items():
        for entry, quantity in table.get(part, {}).items():
            found += [
                f"[{where}.{part}.{entry}] {text}" for text in quantity_problems(quantity, units)
            ]
    entries = {*table.get("energy", {}), *table.get("time", {})}
    for operation, chosen in table.get("prices", {}).items():
        found += [
            f"[{where}.prices] {operation}: {text}"
            for text in _price_problems(operation, chosen, entries)
        ]
    return found


def _price_problems(operation: str, chosen: Any, entries: set[str]) -> list[str]:
    found = []
    if operation not in get_args(Operation):
        found.append(f"unknown; allowed is {', '.join(get_args(Operation))}")
    names = chosen if isinstance(chosen, list) else [chosen]
    if not names or not all(isinstance(name, str) for name in names):
        return [*found, f"got {chosen!r}; must be the name of an entry, or several"]
    missing = [name for name in dict.fromkeys(names) if name not in entries]
    return found + [f"there is no energy and no time called {name!r}" for name in missing]


def _choice_problems(entry: Any, units: tuple[str, ...]) -> list[str]:
    found = _provenance_problems(entry, _CHOICE, units)
    if not isinstance(entry, dict) or "values" not in entry:
        return found
    values = entry["values"]
    whole = isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)
    if not whole or not values or sorted(set(values)) != values:
        found.append(f"values: got {values!r}; must be whole numbers from 0 upwards, rising")
    return found


def _provenance_problems(entry: Any, keys: tuple[str, ...], units: tuple[str, ...]) -> list[str]:
    if not isinstance(entry, dict):
        return [f"must have exactly {', '.join(keys)}; got {entry!r}"]
    found = []
    if sorted(entry) != sorted(keys):
        found.append(f"must have exactly {', '.join(keys)}; got {', '.join(sorted(entry))}")
    if "unit" in entry and entry["unit"] not in units:
        found.append(f"unit: got {entry['unit']!r}; allowed is {', '.join(units)}")
    if "source" in entry and (not isinstance(entry["source"], str) or not entry["source"].strip()):
        found.append("source: must say where the number comes from")
    levels = get_args(Confidence)
    if "confidence" in entry and entry["confidence"] not in levels:
        found.append(f"confidence: got {entry['confidence']!r}; allowed is {', '.join(levels)}")
    return found
