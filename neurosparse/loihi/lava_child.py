"""The child interpreter that runs Lava, and what keeps it from hanging us or leaving anything."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neurosparse.errors import BackendMissingError, LavaRunError

__all__ = ["INSTALL_LAVA", "Ended", "interpreter_path", "lava_available", "run_child"]

INSTALL_LAVA = (
    "pip install --no-deps --ignore-requires-python lava-nc==0.10.0 and "
    "pip install networkx asteval scikit-learn scipy"
)
_PACKAGES = ("lava", "numpy", "scipy", "networkx", "asteval", "sklearn")
_MISSING = 4  # exit status of the runner when a package is missing
_TAIL_LINES = 25  # of the child's output, shown in an error
_TAIL_BYTES = 20_000
_GRACE_S = 1.0  # after a failure: for Python to free Lava's shared memory
_MARK = "NEUROSPARSE_LAVA_CHILD"  # in the environment of everything that the child starts
_PROCESSES = Path("/proc")  # on Linux


@dataclass(frozen=True)
class Ended:
    """A child that ended well.

    Parameters
    ----------
    wall_s : float [s]
        How long it took, start included.
    said : str
        The end of what it printed, as it stands in an error message.
    """

    wall_s: float
    said: str


def interpreter_path(given: str | os.PathLike[str] | None) -> str:
    """Return the interpreter to start; default the current one."""
    return sys.executable if given is None else os.fspath(given)


def lava_available(interpreter: str | os.PathLike[str] | None = None) -> bool:
    """Whether ``interpreter`` (default: the current one) has lava-nc and what it needs.

    The packages are looked up, not imported; the answer is kept.
    """
    return _has_lava(interpreter_path(interpreter))


@functools.lru_cache(maxsize=32)
def _has_lava(interpreter: str) -> bool:
    code = (
        "import sys; from importlib.util import find_spec; "
        f"sys.exit(not all(map(find_spec, {_PACKAGES!r})))"
    )
    try:
        done = subprocess.run(
            [interpreter, "-c", code], capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def run_child(command: list[str], where: Path, timeout_s: float) -> Ended:
    """Run the child to its end, in a process group of its own.

    What it prints goes to ``log.txt`` in the folder ``where``, its temporary files too.

    Raises
    ------
    LavaRunError
        If it fails or time runs out.
    BackendMissingError
        If it cannot be started, or lacks a package.
    """
    started = time.monotonic()
    status = _wait_for(command, where, timeout_s)
    wall_s = time.monotonic() - started
    said = _end_of(where / "log.txt")
    if status is None:
        raise LavaRunError(f"Lava did not finish within {timeout_s:g} s{said}")
    if status == _MISSING:
        raise BackendMissingError(
            f"Lava cannot run in {command[0]}; install it there with {INSTALL_LAVA}{said}"
        )
    if status != 0:
        raise LavaRunError(f"Lava failed with status {status}{said}")
    return Ended(wall_s, said)


def _end_of(log: Path) -> str:
    """Quote the last lines; a child may have printed anything, and any amount of it."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        text = file.read().decode("utf-8", errors="replace")
    lines = ["".join(c for c in line if c.isprintable()) for line in text.rstrip().splitlines()]
    lines = [line[:400] for line in lines[-_TAIL_LINES:]]
    return "".join(f"\n  | {line}" for line in lines) if lines else " (it printed nothing)"


def _wait_for(command: list[str], where: Path, timeout_s: float) -> int | None:
    """Return the exit status, or None if time ran out; nothing that was started stays behind."""
    mark = uuid.uuid4().hex
    with (where / "log.txt").open("wb") as output:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(where, mark),
                start_new_session=True,
            )
        except OSError as error:
            raise BackendMissingError(
                f"interpreter: cannot start {command[0]!r} ({error.strerror}); give the path of a "
                f"Python that has lava-nc, or install it: {INSTALL_LAVA}"
            ) from error
    status = None
    try:
        status = child.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        pass
    finally:  # an interrupt included
        _end_group(child, grace_s=0.0 if status == 0 else _GRACE_S)
        _end_strays(mark)
    return status


def _environment(where: Path, mark: str) -> dict[str, str]:
    environment = dict(os.environ)
    # one thread each: Lava forks after numpy is loaded, and its processes are many
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = "1"
    # after a crash Python frees Lava's shared memory and says so at length
    quiet = "ignore::UserWarning:multiprocessing.resource_tracker"
    given = environment.get("PYTHONWARNINGS")
    environment["PYTHONWARNINGS"] = f"{given},{quiet}" if given else quiet
    environment["PYTHONUNBUFFERED"] = "1"
    environment["TMPDIR"] = str(where)
    environment[_MARK] = mark
    return environment


def _end_group(child: subprocess.Popen[bytes], *, grace_s: float) -> None:
    """Ask the whole group to end, then make it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # raised by an empty group
        os.killpg(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while time.monotonic() < deadline:
            child.poll()
            os.killpg(child.pid, 0)
            time.sleep(0.005)
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _end_strays(mark: str) -> None:
    """End what has left the group (a daemon starts a session of its own); on Linux only."""
    for pid in _marked(mark):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _marked(mark: str) -> Iterator[int]:
    wanted = f"{_MARK}={mark}".encode()
    for entry in _PROCESSES.glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # ended, or somebody else's
            if wanted in entry.read_bytes().split(b"\0"):
                yield int(entry.parent.name)
