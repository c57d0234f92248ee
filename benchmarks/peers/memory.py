"""Resident memory of the running process, as Linux counts it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["peak_bytes", "reset_peak", "resident_bytes"]

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def _status(field: str) -> int | None:
    if not _STATUS.is_file():
        return None  # not Linux; ru_maxrss is no substitute, a child inherits it from its parent
    for line in _STATUS.read_text().splitlines():
        key, _, value = line.partition(":")
        if key == field:
            return 1024 * int(value.split()[0])
    return None


def resident_bytes() -> int | None:
    """Return what is resident now; None where that cannot be told."""
    return _status("VmRSS")


def peak_bytes() -> int | None:
    """Return the most that was ever resident, or since `reset_peak`; None where unknown."""
    return _status("VmHWM")


def reset_peak() -> None:
    """Start the peak anew where the system can; where it cannot it only gets larger."""
    if _CLEAR.exists():
        _CLEAR.write_text("5")
