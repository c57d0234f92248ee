"""Talk to a simulator that runs in a process, and often an interpreter, of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.harness.unavailable import Omitted, Unavailable
from benchmarks.peers.serving import PREFIX

__all__ = ["ENVIRONMENT", "Peer", "PeerFailed", "interpreter", "start_or_omit"]

ENVIRONMENT = "NEUROSPARSE_PEERS"
ROOT = Path(__file__).resolve().parents[2]
TIME_LIMIT_S = 1200.0  # NEST connects 40,000 neurons pair by pair in about a minute
_CLOSE_LIMIT_S = 10.0
_BESIDE_US = ("neurosparse", "snntorch")


class PeerFailed(RuntimeError):  # noqa: N818 - reads as what it is
    """A worker died, took too long or answered nonsense; the message ends in what it printed."""


def interpreter(tool: str) -> Path:
    """Return the Python that has a tool.

    Parameters
    ----------
    tool : str
        ``neurosparse`` and what is installed beside it (snnTorch) have the running interpreter; a
        peer is looked for in ``<folder>/<tool>``, the folder being NEUROSPARSE_PEERS or ``.peers``
        at the top of the checkout.

    Raises
    ------
    Unavailable
        If the environment is not there.
    """
    if tool in _BESIDE_US:
        if importlib.util.find_spec(tool) is None:
            raise Unavailable(f"{tool} is not installed; pip install 'neurosparse[interop]'")
        return Path(sys.executable)
    folder = Path(os.environ.get(ENVIRONMENT) or ROOT / ".peers")
    for python in (folder / tool / "bin" / "python", folder / tool / "Scripts" / "python.exe"):
        if python.is_file():
            return python
    raise Unavailable(
        f"no environment {tool} in {folder}; run make peers, or name the folder that holds it "
        f"in {ENVIRONMENT}"
    )


class Peer:
    """A worker of `benchmarks.peers`, started and told what to build.

    Parameters
    ----------
    tool, model : str
        Names the module, ``benchmarks.peers.<tool>_<model>``.
    **options
        Passed to its ``build``; JSON.

    Attributes
    ----------
    built : dict
        What the worker says about what it built.

    Raises
    ------
    Unavailable
        If the tool's environment is missing.
    PeerFailed
        If building fails.
    """

    def __init__(self, tool: str, model: str, **options: object) -> None:
        self.name = f"{tool}_{model}"
        command = [str(interpreter(tool)), "-m", f"benchmarks.peers.{self.name}"]
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by close
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        try:
            self.built = self.request(**options)
        except PeerFailed:
            self.close()
            raise

    def request(self, **what: object) -> dict[str, Any]:
        """Send one request and wait for its answer.

        Raises
        ------
        PeerFailed
            If the worker dies, or needs longer than ``TIME_LIMIT_S``.
        """
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise PeerFailed(f"{self.name}: has no pipes")
        limit = threading.Timer(TIME_LIMIT_S, process.kill)
        limit.start()
        try:
            process.stdin.write(json.dumps(what) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                if line.startswith(PREFIX):
                    answer: dict[str, Any] = json.loads(line[len(PREFIX) :])
                    return answer
        except BrokenPipeError:
            pass  # it is gone; told below, with its last words
        finally:
            limit.cancel()
        code = process.wait()
        self._errors.seek(0)
        raise PeerFailed(
            f"{self.name}: ended with code {code} when asked for {what}; it printed:\n"
            + self._errors.read()[-4000:]
        )

    def close(self) -> None:
        """End the worker; harmless when it has ended already."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # it died with a request unread
                    pipe.close()
        try:
            self._process.wait(_CLOSE_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def start_or_omit(
    stack: contextlib.ExitStack, tool: str, model: str, **options: object
) -> Peer | Omitted:
    """Start a peer that ``stack`` closes; where the tool is missing say so instead."""
    try:
        return stack.enter_context(Peer(tool, model, **options))
    except Unavailable as reason:
        return Omitted(tool, str(reason))
