"""Chip descriptions: limits and prices, each with unit, source and confidence.

The files live in ``hardware/`` at the top of a checkout and in ``neurosparse/_hardware`` of an
installed package; ``hardware/README.md`` explains their format.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Literal, get_args

from neurosparse.errors import ParameterError, StorageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Chip", "Confidence", "Operation", "Quantity", "available_chips", "load_chip"]

Confidence = Literal["high", "medium", "low"]
Operation = Literal["mac", "synaptic_event", "neuron_update"]

# Units allowed in each section of a file, and what one of them is in SI units.
_UNITS: dict[str, dict[str, float]] = {
    "limits": {"1": 1.0, "bit": 1.0, "B": 1.0, "step": 1.0},
    "energy": {"fJ": 1e-15, "pJ": 1e-12, "nJ": 1e-9, "uJ": 1e-6, "J": 1.0},
    "time": {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0},
}
_SI = {unit: factor for units in _UNITS.values() for unit, factor in units.items()}


@dataclass(frozen=True)
class Quantity:
    """A number that knows where it comes from.

    Parameters
    ----------
    value : float
        In ``unit``.
    unit : str
        See ``hardware/README.md``.
    source : str
        Publication, or how it was derived.
    confidence : {"high", "medium", "low"}
        How far to trust it.
    """

    value: float
    unit: str
    source: str
    confidence: Confidence

    @property
    def si(self) -> float:
        """The value in joule, seconds, or as a bare number."""
        return self.value * _SI[self.unit]


@dataclass(frozen=True)
class Chip:
    """What is known of a chip.

    Parameters
    ----------
    name, title : str
        Short name, and one for tables and figures.
    notes : str
        What the numbers leave out.
    limits, energy, time : mapping of str to Quantity
        By name, as in the file.
    prices : mapping of str to (str, str)
        For each operation the entries of ``energy`` that bound its price from below and above
        (the same one twice if it is known).
    """

    name: str
    title: str
    notes: str = ""
    limits: Mapping[str, Quantity] = field(default_factory=dict)
    energy: Mapping[str, Quantity] = field(default_factory=dict)
    time: Mapping[str, Quantity] = field(default_factory=dict)
    prices: Mapping[Operation, tuple[str, str]] = field(default_factory=dict)

    def limit(self, name: str) -> Quantity:
        """Return a limit.

        Raises
        ------
        ParameterError
            If the chip's file does not state it.
        """
        if name not in self.limits:
            raise ParameterError(
                f"limit: {self.name} states none called {name!r}; there are "
                f"{', '.join(self.limits) or 'none'}"
            )
        return self.limits[name]

    def price(self, operation: Operation) -> tuple[Quantity, Quantity]:
        """Return the energies that bound one operation from below and above.

        Raises
        ------
        ParameterError
            If the chip's file gives it no price.
        """
        if operation not in self.prices:
            raise ParameterError(
                f"price: {self.name} has none for {operation!r}; there are "
                f"{', '.join(self.prices) or 'none'}"
            )
        low, high = self.prices[operation]
        return self.energy[low], self.energy[high]


def available_chips() -> tuple[str, ...]:
    """Return the names of the chips that come with neurosparse."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def load_chip(name_or_path: str | PathLike[str]) -> Chip:
    """Read a chip description and check it as a whole.

    Parameters
    ----------
    name_or_path : str or path
        One of `available_chips`, or the path of a ``.toml`` file.

    Returns
    -------
    Chip

    Raises
    ------
    ParameterError
        If there is no such chip or file.
    StorageError
        If the file is not TOML, or with every problem found in it.

    Examples
    --------
    >>> load_chip("loihi1").limit("neurons_per_core").value
    1024
    """
    path = Path(name_or_path)
    if str(name_or_path) in available_chips():
        path = _folder() / f"{name_or_path}.toml"
    if not path.is_file():
        raise ParameterError(
            f"chip: got {str(name_or_path)!r}; allowed is {', '.join(available_chips())}, or the "
            "path of a .toml file"
        )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StorageError(f"{path}: not a readable TOML file: {error}") from error
    problems = _problems(content, path.stem)
    if problems:
        head = f"{path}: {len(problems)} problem{'s' if len(problems) != 1 else ''}"
        raise StorageError("\n  - ".join([head, *problems]))
    return _build(content)


def _folder() -> Path:
    package = Path(__file__).resolve().parent
    installed = package / "_hardware"
    return installed if installed.is_dir() else package.parent / "hardware"


def _build(content: dict[str, Any]) -> Chip:
    limits, energy, time = (
        {name: Quantity(**entry) for name, entry in content.get(section, {}).items()}
        for section in ("limits", "energy", "time")
    )
    prices: dict[Operation, tuple[str, str]] = {}
    for operation, entry in content.get("prices", {}).items():
        low, high = _as_bounds(entry)
        prices[operation] = (low, high)
    return Chip(**content["chip"], limits=limits, energy=energy, time=time, prices=prices)


def _as_bounds(entry: Any) -> list[Any]:
    return entry if isinstance(entry, list) else [entry, entry]


def _problems(content: dict[str, Any], stem: str) -> list[str]:
    """Everything that is wrong with a file."""
    known = ("chip", "prices", *_UNITS)
    found = [f"[{name}]: unknown; known are {known}" for name in content if name not in known]
    tables = [name for name in known if not isinstance(content.get(name, {}), dict)]
    if tables:
        return [*found, *(f"{name}: must be a table" for name in tables)]
    found += _chip_problems(content.get("chip", {}), stem)
    for section, units in _UNITS.items():
        for name, entry in content.get(section, {}).items():
            found += [f"[{section}.{name}] {text}" for text in _quantity_problems(entry, units)]
    return found + _price_problems(content.get("prices", {}), content.get("energy", {}))


def _chip_problems(chip: dict[str, Any], stem: str) -> list[str]:
    found = [f"[chip] {key}: unknown" for key in chip if key not in ("name", "title", "notes")]
    found += [
        f"[chip] {key}: must be text, not empty"
        for key in ("name", "title")
        if not isinstance(chip.get(key), str) or not chip[key]
    ]
    if not isinstance(chip.get("notes", ""), str):
        found.append("[chip] notes: must be text")
    if isinstance(chip.get("name"), str) and chip["name"] != stem:
        found.append(f"[chip] name: got {chip['name']!r}; must be the file's, {stem!r}")
    return found


def _quantity_problems(entry: Any, units: Mapping[str, float]) -> list[str]:
    keys = ("value", "unit", "source", "confidence")
    if not isinstance(entry, dict) or sorted(entry) != sorted(keys):
        given = sorted(entry) if isinstance(entry, dict) else entry
        return [f"must have exactly {', '.join(keys)}; got {given}"]
    found = []
    value = entry["value"]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value):
        found.append(f"value: got {value!r}; must be a finite number")
    elif units is not _UNITS["limits"] and value < 0:
        found.append(f"value: got {value!r}; must not be negative")
    if entry["unit"] not in list(units):
        found.append(f"unit: got {entry['unit']!r}; allowed is {', '.join(units)}")
    if not isinstance(entry["source"], str) or not entry["source"].strip():
        found.append("source: must say where the number comes from")
    if entry["confidence"] not in get_args(Confidence):
        found.append(
            f"confidence: got {entry['confidence']!r}; allowed is {', '.join(get_args(Confidence))}"
        )
    return found


def _price_problems(prices: dict[str, Any], energy: dict[str, Any]) -> list[str]:
    found = []
    for operation, entry in prices.items():
        where = f"[prices] {operation}:"
        if operation not in get_args(Operation):
            found.append(f"{where} unknown; allowed is {', '.join(get_args(Operation))}")
        bounds = _as_bounds(entry)
        if len(bounds) != 2 or not all(isinstance(name, str) for name in bounds):
            found.append(f"{where} got {entry!r}; must be one energy's name or two, low and high")
            continue
        missing = [name for name in dict.fromkeys(bounds) if name not in energy]
        found += [f"{where} there is no [energy.{name}]" for name in missing]
        if not missing and not _in_order(energy[bounds[0]], energy[bounds[1]]):
            found.append(f"{where} {bounds[0]} is more than {bounds[1]}; low comes first")
    return found


def _in_order(low: Any, high: Any) -> bool:
    """Whether ``low <= high``; entries with problems of their own pass, they are told apart."""
    units = _UNITS["energy"]
    if any(_quantity_problems(entry, units) for entry in (low, high)):
        return True
    return bool(low["value"] * units[low["unit"]] <= high["value"] * units[high["unit"]])
