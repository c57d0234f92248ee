"""Run a bundle in Lava's CPU simulation, in a child interpreter that cannot hang us."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import BackendMissingError, LavaRunError, ParameterError, TopologyError
from neurosparse.loihi.bundle import RUNNER, Bundle, Tag, read_bundle
from neurosparse.loihi.quantise import MAX_CURRENT
from neurosparse.network import Network, Spikes
from neurosparse.network.checks import check_count
from neurosparse.simulate import Probe
from neurosparse.simulate.inputs import Inputs, InputSpec

__all__ = ["INSTALL_LAVA", "LavaRun", "lava_available", "run_lava"]

INSTALL_LAVA = (
    "pip install --no-deps --ignore-requires-python lava-nc==0.10.0 and "
    "pip install networkx asteval scikit-learn scipy"
)
_PACKAGES = ("lava", "numpy", "scipy", "networkx", "asteval", "sklearn")
_MISSING = 4  # exit status of the runner when a package is missing
_TAIL_LINES = 25  # of the child's output, shown in an error
_GRACE_S = 1.0  # after a failure: for Python to free Lava's shared memory


@dataclass(frozen=True)
class LavaRun:
    """What Lava gave.

    Parameters
    ----------
    tag : {"floating_pt", "fixed_pt"}
        Which of Lava's models ran.
    n_steps : int
        Steps that were run.
    spikes : dict of str to Spikes
        Of every population, in our steps (Lava's time step minus 1).
    traces : dict of Probe to (n_steps, size) array
        ``u`` and ``v`` of the recorded populations, after reset; int64 for ``fixed_pt``, else
        float64.
    versions : dict of str to str
        Of python, lava, numpy and scipy in the child.
    wall_s : float [s]
        Wall time of the child, start included.
    """

    tag: Tag
    n_steps: int
    spikes: dict[str, Spikes]
    traces: dict[Probe, NDArray[Any]]
    versions: dict[str, str]
    wall_s: float


def lava_available(interpreter: str | os.PathLike[str] | None = None) -> bool:
    """Whether ``interpreter`` (default: the current one) has lava-nc and what it needs.

    The packages are looked up, not imported; the answer is kept.
    """
    return _has_lava(_interpreter(interpreter))


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


def _interpreter(given: str | os.PathLike[str] | None) -> str:
    return sys.executable if given is None else os.fspath(given)


def run_lava(
    bundle: Bundle | str | os.PathLike[str],
    inputs: Mapping[str, InputSpec],
    n_steps: int | None = None,
    *,
    tag: Tag,
    reset_every: int | None = None,
    record: Sequence[str] = (),
    interpreter: str | os.PathLike[str] | None = None,
    timeout_s: float = 300.0,
) -> LavaRun:
    """Run a bundle in Lava and return spikes (and ``u``, ``v``) in our convention of steps.

    Parameters
    ----------
    bundle : Bundle or path
        From `write_bundle`.
    inputs : mapping of str to Spikes or array
        As in `simulate`: spikes or rasters for sources, currents for populations of neurons
        (integers for ``fixed_pt``; `scale_currents` converts).
    n_steps : int, optional [steps]
        Length of the run; default the longest input.
    tag : {"floating_pt", "fixed_pt"}
        Lava's float64 models or its integer ones.
    reset_every : int, optional [steps]
        As in `simulate`; larger than the depth of every population.
    record : sequence of str
        Populations whose ``u`` and ``v`` are recorded.
    interpreter : path, optional
        Python with lava-nc 0.10.0; default the current one.
    timeout_s : float [s]
        After this the child and all its processes are killed.

    Returns
    -------
    LavaRun

    Raises
    ------
    LavaRunError
        If Lava fails, a process of it dies (with the child's traceback) or time runs out.
    BackendMissingError
        If the interpreter or a package is missing.
    StorageError
        If the bundle was altered.
    TopologyError, ShapeError, ParameterError
        If an argument does not fit the network.

    Notes
    -----
    Lava simulates every population and projection as an operating-system process and takes 1 to
    3 s to start. Reading results costs some 20 us per neuron and step.
    """
    if not isinstance(bundle, Bundle):
        bundle = read_bundle(bundle)
    network = bundle.network(tag)
    if not timeout_s > 0:
        raise ParameterError(f"timeout_s: got {timeout_s}; allowed is > 0 s")
    _check_record(network, record)
    every = _check_reset(network, reset_every)
    tables, steps = _input_tables(network, inputs, n_steps)
    command = [_interpreter(interpreter), str(RUNNER / "run_bundle.py"), str(bundle.path.resolve())]
    options = [f"--tag={tag}", f"--reset-every={every}", *(f"--record={n}" for n in record)]
    with tempfile.TemporaryDirectory(prefix="lava-") as folder:
        where = Path(folder)
        np.savez(where / "inputs.npz", **tables)  # type: ignore[arg-type]
        started = time.monotonic()
        status = _run_child(
            [*command, str(where / "inputs.npz"), str(where / "output.npz"), *options],
            where,
            timeout_s,
        )
        wall_s = time.monotonic() - started
        log = (where / "log.txt").read_text(encoding="utf-8", errors="replace")
        if status is None:
            raise LavaRunError(f"Lava did not finish within {timeout_s:g} s{_quoted(log)}")
        if status == _MISSING:
            raise BackendMissingError(
                f"Lava cannot run in {command[0]}; install it there with {INSTALL_LAVA}"
                f"{_quoted(log)}"
            )
        if status != 0:
            raise LavaRunError(f"Lava failed with status {status}{_quoted(log)}")
        return _read_output(where / "output.npz", network, tag, steps, record, wall_s, log)


def _quoted(log: str) -> str:
    lines = log.rstrip().splitlines()[-_TAIL_LINES:]
    return "".join(f"\n  | {line}" for line in lines) if lines else " (it printed nothing)"


def _check_record(network: Network, record: Sequence[str]) -> None:
    neurons = [name for name, p in network.populations.items() if p.neuron is not None]
    for name in record:
        if name not in neurons:
            known = ", ".join(map(repr, neurons))
            raise TopologyError(f"record: {name!r} is no population of neurons; there are {known}")


def _check_reset(network: Network, reset_every: int | None) -> int:
    if reset_every is None:
        return 0
    every = check_count("reset_every", reset_every, least=1)
    for name, depth in network.depths.items():
        if network.populations[name].neuron is not None and depth >= every:
            raise ParameterError(
                f"reset_every: got {every}, but population {name!r} lies {depth} steps deep and "
                f"Lava's LIFReset would reset it before its first sample; allowed is > {depth}"
            )
    return every


def _input_tables(
    network: Network, inputs: Mapping[str, InputSpec], n_steps: int | None
) -> tuple[dict[str, NDArray[Any]], int]:
    """Lay the inputs out as one table (n_steps, size) per driven population."""
    checked = Inputs(network, inputs, np.float64)
    if checked.is_random:
        raise ParameterError("inputs: Lava is given spikes and currents; draw random ones before")
    steps = check_count("n_steps", checked.n_steps(n_steps, 0), least=1)
    drive = checked.chunk(0, steps, 0)
    currents: NDArray[Any] = drive.currents
    if network.is_integer:
        currents = np.right_shift(currents, 6)  # as they were given
    at = np.repeat(np.arange(steps), np.diff(drive.spike_ptr))
    tables: dict[str, NDArray[Any]] = {"n_steps": np.array(steps)}
    first = 0
    for name, population in network.populations.items():
        last = first + population.size
        if name in checked.current_columns:
            column = checked.current_columns[name]
            tables[f"input:{name}"] = currents[:, column : column + population.size]
        elif name in inputs:
            own = (drive.spike_neuron >= first) & (drive.spike_neuron < last)
            raster = np.zeros((steps, population.size), dtype=np.uint8)
            raster[at[own], drive.spike_neuron[own] - first] = 1
            tables[f"input:{name}"] = raster
        first = last
    if network.is_integer and np.abs(currents).max(initial=0) > MAX_CURRENT:
        raise ParameterError(
            f"inputs: a current of {np.abs(currents).max()}; allowed is -{MAX_CURRENT} to "
            f"{MAX_CURRENT}, which is what a 24-bit u holds"
        )
    return tables, steps


def _run_child(command: list[str], where: Path, timeout_s: float) -> int | None:
    """Run in a process group of its own; return the exit status, or None if time ran out.

    What the child prints goes to ``log.txt`` in the folder ``where``, its temporary files too.
    """
    with (where / "log.txt").open("wb") as output:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(where),
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
    finally:
        # whatever happened, an interrupt included: nothing that it started may stay behind
        _end_group(child, grace_s=0.0 if status == 0 else _GRACE_S)
    return status


def _environment(where: Path) -> dict[str, str]:
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


def _read_output(
    path: Path,
    network: Network,
    tag: Tag,
    n_steps: int,
    record: Sequence[str],
    wall_s: float,
    log: str,
) -> LavaRun:
    try:
        with np.load(path, allow_pickle=False) as archive:
            versions = json.loads(str(archive["versions"]))
            rasters = {name: archive[f"spikes:{name}"] for name in network.populations}
            traces = {
                Probe(name, variable): archive[f"{variable}:{name}"]
                for name in record
                for variable in ("u", "v")
            }
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise LavaRunError(
            f"Lava ended without a readable result ({error}){_quoted(log)}"
        ) from error
    for name, raster in rasters.items():
        expected = (n_steps, network.populations[name].size)
        if raster.shape != expected:
            raise LavaRunError(f"Lava gave spikes {raster.shape} of {name!r}; expected {expected}")
    dtype = np.int64 if tag == "fixed_pt" else np.float64
    return LavaRun(
        tag,
        n_steps,
        {name: Spikes.from_raster(raster) for name, raster in rasters.items()},
        {probe: np.asarray(trace).astype(dtype) for probe, trace in traces.items()},
        versions,
        wall_s,
    )
