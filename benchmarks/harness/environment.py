"""What a number was measured with and on."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["host", "versions"]

PACKAGES = ("neurosparse", "numpy", "scipy", "numba", "torch", "snntorch", "lava-nc")


@cache
def versions() -> dict[str, str]:
    """Return the version of every package that matters and is installed, none imported."""
    found = {package: _installed_version(package) for package in PACKAGES}
    return {package: number for package, number in found.items() if number is not None}


def _installed_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def host() -> dict[str, str | int]:
    """Return processor, cores this process may use, system and Python; never the host's name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": _cpu_model(Path("/proc/cpuinfo")),
        "cores": cores or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _cpu_model(cpuinfo: Path) -> str:
    """Read the processor's name where Linux has it, else take what platform says."""
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
