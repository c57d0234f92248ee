from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

from benchmarks.harness import Omitted, Peer, PeerFailed, Unavailable, start_or_omit
from benchmarks.harness.peer import ENVIRONMENT, interpreter

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake tool is a shell script")

ADDS_UP = """
import os
from benchmarks.peers.serving import serve

def build(start):
    print("chatter of a compiler")
    total = [start]
    def trial(add):
        os.write(1, b"chatter from C\\n")
        total[0] += add
        return {"total": total[0]}
    return {"start": start}, trial

serve(build)
"""
DIES = "import sys; sys.stdin.readline(); sys.exit('no licence')"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Environments with one fake tool each, whose "python" runs a program of ours."""
    for tool, program in (("adder", ADDS_UP), ("dead", DIES)):
        python = tmp_path / tool / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.with_name("program.py").write_text(program)
        # -c has the checkout, where it is started, on its path
        python.write_text(
            f"#!/bin/sh\nexec {sys.executable} -c \"$(cat '{python.with_name('program.py')}')\"\n"
        )
        python.chmod(0o755)
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("tools")
def test_a_peer_builds_once_and_answers_every_request() -> None:
    with Peer("adder", "model", start=3) as peer:
        assert peer.built == {"start": 3}
        assert [peer.request(add=n)["total"] for n in (1, 2)] == [4, 6]


@pytest.mark.usefixtures("tools")
def test_a_peer_that_dies_leaves_its_last_words() -> None:
    with pytest.raises(PeerFailed, match=r"dead_model: ended with code 1 .*\n[^$]*no licence"):
        Peer("dead", "model")


@pytest.mark.usefixtures("tools")
def test_closing_twice_does_no_harm() -> None:
    peer = Peer("adder", "model", start=0)
    peer.close()
    peer.close()
    with pytest.raises(ValueError, match="closed file"):
        peer.request(add=1)


def test_a_missing_tool_is_named_with_what_to_do(tools: Path) -> None:
    with pytest.raises(Unavailable, match=rf"no environment nest in {tools}; run make peers"):
        interpreter("nest")
    with contextlib.ExitStack() as stack:
        omitted = start_or_omit(stack, "nest", "cuba", n_neurons=1)
    assert isinstance(omitted, Omitted)
    assert omitted.what == "nest"


def test_our_own_workers_run_in_this_interpreter() -> None:
    assert interpreter("neurosparse") == Path(sys.executable)
