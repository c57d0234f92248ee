"""Every script of ``examples/`` runs; ``--quick`` makes each small enough for that."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
LIMIT_S = 300


def run_script(script: Path, folder: Path, *options: str) -> str:
    """Run a script in ``folder`` and return what it printed."""
    done = subprocess.run(
        [sys.executable, str(script), *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if "BackendMissingError" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_examples() -> None:
    assert SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_example_runs(script: Path, tmp_path: Path) -> None:
    assert run_script(script, tmp_path, "--quick").strip()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_example_explains_itself(script: Path) -> None:
    """A docstring that says what it shows and how to start it."""
    text = script.read_text(encoding="utf-8")
    assert text.startswith('"""')
    docstring = text.split('"""')[1]
    assert f"python examples/{script.name}" in docstring


def test_balanced_network_is_asynchronous_and_irregular(tmp_path: Path) -> None:
    script = EXAMPLES / "simulate_balanced_network.py"
    printed = run_script(script, tmp_path, "--steps", "2000", "--seed", "3")
    rows = re.findall(r"^(\w+) +([\d.]+) Hz +CV of gaps ([\d.]+)$", printed, re.MULTILINE)
    states = {name: (float(rate), float(cv)) for name, rate, cv in rows}
    for name in ("excitatory", "inhibitory"):
        rate_hz, cv = states[name]
        assert 5 < rate_hz < 40
        assert 0.5 < cv < 1.2
    again = run_script(script, tmp_path, "--steps", "2000", "--seed", "3")
    assert again == printed


def test_balanced_network_draws_a_raster(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    script = EXAMPLES / "simulate_balanced_network.py"
    run_script(script, tmp_path, "--quick", "--plot", "raster.png")
    assert (tmp_path / "raster.png").read_bytes().startswith(b"\x89PNG")
