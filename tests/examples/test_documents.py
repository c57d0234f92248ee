"""The Python blocks of the documents run, one after the other, in one folder and namespace."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from neurosparse.data import find_data
from neurosparse.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
NEEDED = {
    "docs/simulate.md": ("h5py", "matplotlib"),
    "README.md": (),
    "docs/models.md": (),
    "docs/data.md": ("aedat", "sklearn"),
}
NEEDED_DATA = {"docs/data.md": "nmnist-small"}
LIMIT_S = 300


def blocks(document: str) -> list[str]:
    found = re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(), re.M | re.S)
    # training takes minutes and has tests of its own
    return [block for block in found if "neurosparse.train" not in block]


@pytest.mark.parametrize("document", NEEDED)
def test_blocks_run(document: str, tmp_path: Path) -> None:
    for package in NEEDED[document]:
        pytest.importorskip(package)
    if document in NEEDED_DATA:
        try:
            find_data(NEEDED_DATA[document])
        except DataError as reason:
            pytest.skip(str(reason))
    script = tmp_path / "blocks.py"
    code = blocks(document)
    assert code
    script.write_text("\n".join(code), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
