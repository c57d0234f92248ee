"""What reading a file that is not what it should be may raise."""

from __future__ import annotations

__all__ = ["UNREADABLE"]

# by h5py and by nir, which asserts
UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    MemoryError,
    OverflowError,
    RuntimeError,
)
