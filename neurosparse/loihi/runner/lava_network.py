"""Run an exported network in Lava and fetch what it did.

Imports lava: on Python 3.11 and later call ``lava_compat.mend_import`` first.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bundle_file import Arrays, Definition  # type: ignore[import-not-found]
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava_parts import make_source  # type: ignore[import-not-found]
from lava_process import make_process  # type: ignore[import-not-found]
from lava_record import SpikeRecorder, StateRecorder  # type: ignore[import-not-found]


def run_network(
    definition: Definition,
    inputs: Arrays,
    *,
    reset_every: int,
    record: Sequence[str],
    folder: Path,
) -> Arrays:
    """Run one of the bundle's networks; see ``run_bundle.py`` for inputs and results.

    ``folder`` takes temporary files.
    """
    began = time.perf_counter()
    n_steps = int(inputs["n_steps"])
    network = make_process(definition, reset_every)
    results: Arrays = {}
    for name, entry in definition.populations.items():
        table = inputs.get("input:" + name)
        if table is not None:
            source = make_source(table, n_steps, definition.tag, f"input {name}")
            source.s_out.connect(network.in_port(name))
        if entry["neuron"] is None:  # what a source does is what it was given
            raster = np.zeros((n_steps, entry["size"]), dtype=np.int8)
            if table is not None:
                raster[: table.shape[0]] = np.sign(table[:n_steps])
            results[f"spikes:{name}"] = raster
    files = _record(definition, network, n_steps, record, folder)
    configuration = Loihi2SimCfg(select_tag=definition.tag, select_sub_proc_model=True)
    network.run(condition=RunSteps(num_steps=1), run_cfg=configuration)
    started = time.perf_counter()
    if n_steps > 1:  # the first step pays for the start of all processes
        network.run(condition=RunSteps(num_steps=n_steps - 1), run_cfg=configuration)
    ended = time.perf_counter()
    results |= {key: np.load(path, allow_pickle=False) for key, path in files.items()}
    network.stop()
    results |= {"start_s": np.array(started - began), "run_s": np.array(ended - started)}
    return results


def _record(
    definition: Definition, network: Any, n_steps: int, record: Sequence[str], folder: Path
) -> dict[str, Path]:
    """Connect recorders; return the file of every result."""
    files: dict[str, Path] = {}
    for name, entry in definition.populations.items():
        if entry["neuron"] is None:
            continue
        path = files[f"spikes:{name}"] = folder / f"{len(files)}.npy"
        recorder = SpikeRecorder((entry["size"],), n_steps, path, f"spikes of {name}")
        network.out_port(name).connect(recorder.a_in)
        for variable in "uv" if name in record else "":
            path = files[f"{variable}:{name}"] = folder / f"{len(files)}.npy"
            StateRecorder(network.state(name, variable), n_steps, path, f"{variable} of {name}")
    return files
