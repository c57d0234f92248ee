"""Which optional parts are installed."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version

__all__ = ["installed_parts"]

# lava-nc is no declared dependency: it forbids today's Python and is installed with --no-deps
_UNDECLARED = {"lava": ["lava-nc"]}


def installed_parts() -> dict[str, dict[str, str | None]]:
    """Return by extra the version of every package it needs; None where one is missing."""
    packages: dict[str, list[str]] = {"core": []}
    for requirement in requires("neurosparse") or []:
        if not _applies(requirement):
            continue
        extra = re.search(r"extra *== *['\"](\w+)['\"]", requirement)
        name = re.match(r"[\w.-]+", requirement)
        if name and name[0] != "neurosparse":
            packages.setdefault(extra[1] if extra else "core", []).append(name[0])
    for part, names in _UNDECLARED.items():
        packages[part] = names + packages.get(part, [])
    packages.pop("all", None)  # nothing of its own
    return {part: {name: _version(name) for name in names} for part, names in packages.items()}


def _applies(requirement: str) -> bool:
    """Whether this Python needs it: the one other condition we state is an upper bound."""
    below = re.search(r"python_version *< *['\"]3\.(\d+)['\"]", requirement)
    return below is None or sys.version_info < (3, int(below[1]))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
