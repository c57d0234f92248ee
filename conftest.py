"""What pytest leaves out where an optional part is not installed."""

from __future__ import annotations

import os
from importlib.util import find_spec

# as neurosparse.train sets it, but that is too late where a test imports torch first: idle threads
# of torch then spin beside numba's, and on a busy machine small trainings take ten times as long
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# importing these rooms, as their doctests and tests do, needs torch (the report, matplotlib too)
collect_ignore_glob = (
    [
        *("neurosparse/train/*", "neurosparse/report/*", "tests/report", "tests/report/*"),
        *(
            "neurosparse/interop/snntorch/*",
            "tests/interop/*snntorch*",
            "tests/interop/test_mixing.py",
        ),
        "tests/interop/test_refusals.py",
    ]
    if find_spec("torch") is None
    else []
)
