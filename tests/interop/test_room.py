"""The room as a whole: what importing it loads, what it offers, and its document."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import neurosparse.interop
from tests.conftest import ROOT


def run_python(*arguments: str, folder: Path = ROOT) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_it_touches_no_optional_package() -> None:
    code = "import sys, neurosparse.interop; print(*sys.modules)"
    loaded = {name.partition(".")[0] for name in run_python("-c", code).split()}
    assert "neurosparse" in loaded
    assert not loaded & {"torch", "snntorch", "nir", "h5py", "scipy", "numba", "lava"}


def test_it_offers_what_it_lists() -> None:
    pytest.importorskip("torch")
    for name in neurosparse.interop.__all__:
        assert getattr(neurosparse.interop, name).__name__ == name
        assert name in dir(neurosparse.interop)
    with pytest.raises(AttributeError, match="has no attribute 'from_nothing'"):
        neurosparse.interop.from_nothing  # noqa: B018


@pytest.mark.parametrize(
    ("document", "last_line"),
    [
        ("snntorch.md", "torch.Size([640]) torch.Size([500])"),
        ("interop.md", "3 synapses, spikes at steps [2, 3]"),
    ],
)
def test_the_documents_run(document: str, last_line: str, tmp_path: Path) -> None:
    for package in ("snntorch", "nir", "h5py"):
        pytest.importorskip(package)
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    script = tmp_path / "blocks.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    assert run_python(str(script), folder=tmp_path).splitlines()[-1] == last_line
