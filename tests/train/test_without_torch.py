"""Without torch there is one clear error, and the rest of the package works."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCKED = """
import sys
sys.modules[{missing!r}] = None
import neurosparse
import neurosparse.sparsify, neurosparse.simulate, neurosparse.data
assert "neurosparse.train" not in sys.modules
from neurosparse.errors import BackendMissingError
try:
    import neurosparse.train
except BackendMissingError as error:
    print(error)
"""


@pytest.mark.parametrize("missing", ["torch", "tqdm"])
def test_missing_package_is_named(missing: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(missing=missing)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"neurosparse.train needs {missing}, which is not installed" in done.stdout
    assert "pip install 'neurosparse[train]'" in done.stdout


def test_importing_the_package_leaves_torch_alone() -> None:
    code = "import sys, neurosparse; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
