"""What pytest leaves out where an optional part is not installed."""

from __future__ import annotations

from importlib.util import find_spec

# importing these rooms, as doctests do, needs torch (and matplotlib)
collect_ignore_glob = (
    ["neurosparse/train/*", "neurosparse/report/*"] if find_spec("torch") is None else []
)
