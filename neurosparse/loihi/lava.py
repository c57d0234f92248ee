"""Run a bundle in Lava's CPU simulation, in a child interpreter that cannot hang us."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import LavaRunError, ParameterError, TopologyError
from neurosparse.loihi.bundle import Bundle, Tag, read_bundle
from neurosparse.loihi.bundle_writing import RUNNER
from neurosparse.loihi.lava_child import INSTALL_LAVA, interpreter_path, lava_available, run_child
from neurosparse.loihi.limits import arrival_violations, reset_violations
from neurosparse.loihi.quantisation.quantise import MAX_CURRENT
from neurosparse.network import FixedPointTernaryLIF, Network, Spikes
from neurosparse.network.checks import check_count
from neurosparse.simulate import Probe
from neurosparse.simulate.inputs import Inputs, InputSpec
from neurosparse.simulate.trains import as_train

__all__ = ["INSTALL_LAVA", "LavaRun", "lava_available", "run_lava"]


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
        Wall time of the child, from its start to its end.
    start_s : float [s]
        Of that: building and starting Lava's processes, with the first step.
    run_s : float [s]
        Of that: Lava's call that runs all other steps, ``n_steps - 1``.
    """

    tag: Tag
    n_steps: int
    spikes: dict[str, Spikes]
    traces: dict[Probe, NDArray[Any]]
    versions: dict[str, str]
    wall_s: float
    start_s: float
    run_s: float


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
        As in `simulate`: spikes, rasters or messages for sources, currents for populations of
        neurons (integers for ``fixed_pt``; `scale_currents` converts).
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
        If an argument does not fit the network, or Lava's models cannot do what is asked.

    Notes
    -----
    Lava simulates every population and projection as an operating-system process and takes 1 to
    3 s to start.
    """
    if not isinstance(bundle, Bundle):
        bundle = read_bundle(bundle)
    network = bundle.network(tag)
    if not timeout_s > 0:
        raise ParameterError(f"timeout_s: got {timeout_s}; allowed is > 0 s")
    _check_record(network, record)
    every = _check_reset(network, reset_every)
    tables, steps = _input_tables(network, inputs, n_steps)
    command = [interpreter_path(interpreter), str(RUNNER / "run_bundle.py")]
    options = [f"--tag={tag}", f"--reset-every={every}", *(f"--record={n}" for n in record)]
    with tempfile.TemporaryDirectory(prefix="lava-") as folder:
        where = Path(folder)
        np.savez(where / "inputs.npz", **tables)  # type: ignore[arg-type]
        files = [str(bundle.path.resolve()), str(where / "inputs.npz"), str(where / "output.npz")]
        ended = run_child([*command, *files, *options], where, timeout_s)
        try:
            output = _read_output(where / "output.npz", network, steps, record)
        except _UNREADABLE as error:
            raise LavaRunError(
                f"Lava ended without a readable result ({error}){ended.said}"
            ) from error
    return _as_run(output, network, tag, steps, record, ended.wall_s)


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
    found = reset_violations(network, every)
    if found:
        raise ParameterError(f"reset_every: got {every}, but " + "\n  - ".join(found))
    return every


def _input_tables(
    network: Network, inputs: Mapping[str, InputSpec], n_steps: int | None
) -> tuple[dict[str, NDArray[Any]], int]:
    """Lay the inputs out as one table (n_steps, size) per driven population."""
    checked = Inputs(network, inputs, np.float64)
    if checked.is_random:
        raise ParameterError("inputs: Lava is given spikes and currents; draw random ones before")
    steps = check_count("n_steps", checked.n_steps(n_steps, 0), least=1)
    currents: NDArray[Any] = checked.chunk(0, steps, 0).currents
    if network.is_integer:
        currents = np.right_shift(currents, 6)  # as they were given
    tables: dict[str, NDArray[Any]] = {"n_steps": np.array(steps)}
    for name, column in checked.current_columns.items():
        size = network.populations[name].size
        tables[f"input:{name}"] = currents[:, column : column + size]
    messages = {}
    for name, value in inputs.items():
        if network.populations[name].neuron is None:
            train = as_train(network, name, _only(value))
            table = train.spikes.raster() if train.messages is None else train.messages
            tables[f"input:{name}"] = table = _padded(table, steps)
            messages[name] = int(np.abs(table).max(initial=0))
    if network.is_integer:
        _check_ranges(network, currents, messages)
    return tables, steps


def _only(value: InputSpec) -> Any:
    """Return what drives a source; it may stand in a list of one."""
    if isinstance(value, list | tuple) and len(value) == 1:
        (one,) = value
        is_table = isinstance(one, np.ndarray) and one.ndim == 2
        return one if is_table or isinstance(one, Spikes) else value
    return value


def _padded(table: NDArray[Any], n_steps: int) -> NDArray[Any]:
    """Cut a table to ``n_steps`` rows, or fill it up with zeros."""
    rows = np.zeros((n_steps, table.shape[1]), dtype=table.dtype)
    rows[: table.shape[0]] = table[:n_steps]
    return rows


def _check_ranges(network: Network, currents: NDArray[Any], messages: Mapping[str, int]) -> None:
    """Raise if inputs are too large for Lava's integers, which would wrap around silently."""
    found = arrival_violations(network, messages)
    largest = np.abs(currents).max(initial=0)
    if largest > MAX_CURRENT:
        found.append(
            f"a current of {largest}; allowed is -{MAX_CURRENT} to {MAX_CURRENT}, which is what a "
            "24-bit u holds"
        )
    if found:
        raise ParameterError("inputs: " + "\n  - ".join(found))


_UNREADABLE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error)


def _read_output(
    path: Path, network: Network, n_steps: int, record: Sequence[str]
) -> dict[str, Any]:
    """Read what the child wrote and see that it is what was asked for; it may be anything."""
    shapes: dict[str, tuple[int, ...]] = {
        f"spikes:{name}": (n_steps, p.size) for name, p in network.populations.items()
    }
    for name in record:
        shapes |= {f"{x}:{name}": (n_steps, network.populations[name].size) for x in "uv"}
    shapes |= {"start_s": (), "run_s": ()}
    output: dict[str, Any] = {}
    with np.load(path, allow_pickle=False) as archive:
        output["versions"] = dict(json.loads(str(archive["versions"])))
        for key, shape in shapes.items():
            output[key] = table = archive[key]
            if table.shape != shape:
                raise LavaRunError(f"Lava gave {key} of shape {table.shape}; expected {shape}")
            if table.dtype.kind not in "biuf":
                raise LavaRunError(f"Lava gave {key} of {table.dtype}; expected numbers")
            if key.startswith("spikes:") and not np.isin(table, (-1, 0, 1)).all():
                raise LavaRunError(f"Lava gave {key} other than -1, 0 and 1")
    return output


def _as_run(
    output: Mapping[str, Any],
    network: Network,
    tag: Tag,
    n_steps: int,
    record: Sequence[str],
    wall_s: float,
) -> LavaRun:
    def spikes(name: str) -> Spikes:
        signed = isinstance(network.populations[name].neuron, FixedPointTernaryLIF)
        return Spikes.from_raster(output[f"spikes:{name}"], signed=signed)

    dtype = np.int64 if tag == "fixed_pt" else np.float64
    return LavaRun(
        tag,
        n_steps,
        {name: spikes(name) for name in network.populations},
        {Probe(n, x): output[f"{x}:{n}"].astype(dtype) for n in record for x in ("u", "v")},
        output["versions"],
        wall_s,
        float(output["start_s"]),
        float(output["run_s"]),
    )
