"""What a number was measured with and on."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["git_state", "host", "versions"]

PACKAGES = ("neurosparse", "numpy", "numba", "scipy", "torch", "snntorch", "matplotlib", "lava-nc")
_GIT_TIMEOUT_S = 10.0


@functools.cache
def versions() -> dict[str, str | None]:
    """Return the versions of Python, neurosparse and what it stands on; None if not installed."""
    found = {package: _installed_version(package) for package in PACKAGES}
    return {"python": platform.python_version(), **found}


def _installed_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@functools.cache
def host() -> dict[str, Any]:
    """Return processor, cores this process may use and platform; never the host's name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": _cpu_model(Path("/proc/cpuinfo")),
        "cores": cores or 1,
        "platform": f"{platform.system()} {platform.machine()}",
    }


def _cpu_model(cpuinfo: Path) -> str:
    """Read the processor's name where Linux has it, else take what `platform` says."""
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def git_state(root: Path | None = None) -> dict[str, Any] | None:
    """Return commit and whether tracked files differ from it; None outside a checkout.

    Parameters
    ----------
    root : path, optional
        Top of the checkout; default the folder that holds the package. A package installed inside
        somebody else's checkout is not part of it.
    """
    root = root or Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return None if commit is None else {"commit": commit, "modified": bool(changes)}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None  # no git, or no commit yet: a report without it is still a report
    return done.stdout.strip()
