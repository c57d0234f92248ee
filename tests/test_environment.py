from __future__ import annotations

import platform
import socket
import subprocess
from pathlib import Path

import numpy as np

from neurosparse.environment import _cpu_model, git_state, host, versions


def test_versions_are_those_that_run() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert "lava-nc" in found  # None if it is not installed


def test_the_host_is_described_but_not_named() -> None:
    described = host()
    assert described["cores"] >= 1
    assert described["cpu"]
    assert socket.gethostname() not in described.values()


def test_the_processor_is_read_where_linux_names_it(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: Fast Chip 9\n")
    assert _cpu_model(info) == "Fast Chip 9"
    assert _cpu_model(tmp_path / "absent")


def test_git_state_of_a_checkout(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert git_state(tmp_path) is None
    git("init", "-q")
    assert git_state(tmp_path) is None  # no commit yet
    (tmp_path / "file").write_text("a")
    git("add", "file")
    git("commit", "-q", "-m", "x")
    assert git_state(tmp_path) == {"commit": git("rev-parse", "HEAD"), "modified": False}
    (tmp_path / "file").write_text("b")
    assert git_state(tmp_path) == {"commit": git("rev-parse", "HEAD"), "modified": True}
    # a package inside somebody else's checkout does not carry its commit
    (tmp_path / "site-packages").mkdir()
    assert git_state(tmp_path / "site-packages") is None
