"""Build Lava's processes from a bundle, run them, fetch what they did.

Imports lava: on Python 3.11 and later call ``lava_compat.mend_import`` first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi1SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFReset
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix

Arrays = dict[str, Any]


def run_network(
    manifest: dict[str, Any],
    arrays: Arrays,
    inputs: Arrays,
    *,
    tag: str,
    reset_every: int,
    record: Sequence[str],
) -> Arrays:
    """Run one of the bundle's networks; see ``run_bundle.py`` for inputs and results."""
    header = manifest["networks"][tag]
    own = {k.partition("/")[2]: v for k, v in arrays.items() if k.startswith(tag + "/")}
    n_steps = int(inputs["n_steps"])
    processes = {}
    for entry in header["populations"]:
        name = entry["name"]
        if entry["neuron"] is None:
            silent = np.zeros((n_steps, entry["size"]))
            processes[name] = _source(inputs.get("input:" + name, silent), n_steps, tag)
        else:
            depth = manifest["depths"][name]
            processes[name] = _neurons(entry, own, tag, reset_every, depth)
    for index, entry in enumerate(header["projections"]):
        weights = _weights(own, index, entry["shape"], tag)
        # without an explicit sign mode Lava would guess one from the weights
        mode = (entry["format"] or {}).get("sign_mode", "mixed")
        _connect(processes[entry["source"]], weights, processes[entry["target"]], mode)
    # currents come after the projections: the order of connection is the order of the sum
    for entry in header["populations"]:
        currents = inputs.get("input:" + entry["name"])
        if entry["neuron"] is not None and currents is not None:
            source = _source(currents, n_steps, tag)
            source.s_out.connect(processes[entry["name"]].a_in)
    _tie_parts_together(header, processes)
    return _run(header, processes, n_steps, tag, record)


def _run(
    header: dict[str, Any],
    processes: dict[str, Any],
    n_steps: int,
    tag: str,
    record: Sequence[str],
) -> Arrays:
    sinks, monitors = {}, {}
    for entry in header["populations"]:
        name = entry["name"]
        sinks[name] = Sink(shape=(entry["size"],), buffer=n_steps)
        processes[name].s_out.connect(sinks[name].a_in)
        if name in record:
            for variable in "uv":
                monitors[f"{variable}:{name}"] = monitor = Monitor()
                monitor.probe(getattr(processes[name], variable), n_steps)
    first = next(iter(sinks.values()))
    first.run(condition=RunSteps(num_steps=n_steps), run_cfg=Loihi1SimCfg(select_tag=tag))
    results = {}
    for name, sink in sinks.items():
        raster = sink.data.get() != 0  # (size, n_steps)
        results["spikes:" + name] = np.ascontiguousarray(raster.T, dtype=np.uint8)
    for key, monitor in monitors.items():
        (of_process,) = monitor.get_data().values()
        (trace,) = of_process.values()
        results[key] = np.asarray(trace)
    first.stop()
    return results


def _neurons(entry: dict[str, Any], arrays: Arrays, tag: str, reset_every: int, depth: int) -> Any:
    packed = entry["neuron"]

    def value(name: str) -> Any:
        return arrays[packed[name]["array"]] if isinstance(packed[name], dict) else packed[name]

    parameters = {
        "shape": (entry["size"],),
        **{name: value(name) for name in ("du", "dv", "vth")},
    }
    if tag == "fixed_pt":
        parameters.update(bias_mant=value("bias_mant"), bias_exp=value("bias_exp"))
    else:
        parameters.update(bias_mant=value("bias"))
    if not reset_every:
        return LIF(**parameters)
    # step t is Lava's time step t + 1
    return LIFReset(**parameters, reset_interval=reset_every, reset_offset=depth + 1)


def _source(table: Any, n_steps: int, tag: str) -> Any:
    """Send row t of ``table`` in step t, and zeros after its end."""
    # a RingBuffer starts over at its end: it must be as long as the run
    data = np.zeros((table.shape[1], n_steps), dtype=np.int32 if tag == "fixed_pt" else np.float64)
    data[:, : table.shape[0]] = table[:n_steps].T
    return Source(data=data)


def _weights(arrays: Arrays, index: int, shape: Sequence[int], tag: str) -> Any:
    values, indices, indptr = (arrays[f"p{index}.{k}"] for k in ("weights", "indices", "indptr"))
    dtype = np.int32 if tag == "fixed_pt" else np.float64
    return csr_matrix((values.astype(dtype), indices, indptr), shape=tuple(shape))


def _connect(source: Any, weights: Any, target: Any, sign_mode: str) -> None:
    sparse = Sparse(weights=weights, sign_mode=SignMode[sign_mode.upper()])
    source.s_out.connect(sparse.s_in)
    sparse.a_out.connect(target.a_in)


def _tie_parts_together(header: dict[str, Any], processes: dict[str, Any]) -> None:
    """Join parts of the network that nothing connects by empty synapses onto one population.

    Lava runs only what is connected with the process that is started; empty synapses add zero.
    """
    part = {entry["name"]: number for number, entry in enumerate(header["populations"])}
    for entry in header["projections"]:
        old, new = part[entry["source"]], part[entry["target"]]
        part = {name: new if number == old else number for name, number in part.items()}
    hub = next(entry for entry in header["populations"] if entry["neuron"] is not None)
    tied = {part[hub["name"]]}
    for entry in header["populations"]:
        if part[entry["name"]] not in tied:
            tied.add(part[entry["name"]])
            nothing = csr_matrix((hub["size"], entry["size"]), dtype=np.int32)
            _connect(processes[entry["name"]], nothing, processes[hub["name"]], "mixed")
