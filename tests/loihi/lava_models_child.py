"""Step Lava's own process models in one process: ``child.py runner cases.npz results.npz``.

What Lava's runtime does with a process of the operating system for each is done here in turn: the
models are Lava's, built by Lava's builder with Lava's ports, and their ``run_spk`` is called; only
the channels between the ports are queues in memory. Imports nothing of neurosparse but ``runner``.
"""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np


class Waiting(Exception):
    """Nothing to receive yet."""


class Channel:
    """A queue that casts to the dtype of the sending port, as Lava's shared memory does."""

    def __init__(self, name: str, dtype: Any, shape: tuple[int, ...]) -> None:
        self.name, self.dtype, self.shape = name, dtype, shape
        self.waiting: deque[Any] = deque()
        self.is_muted = False

    def send(self, data: Any) -> None:
        if data.shape != self.shape:
            raise AssertionError(f"{data.shape} sent over a channel of {self.shape}")
        if not self.is_muted:
            copied = np.empty(self.shape, self.dtype)
            copied[:] = data
            self.waiting.append(copied)

    def recv(self) -> Any:
        if not self.waiting:
            raise Waiting
        return self.waiting.popleft()


def build(process: Any, tag: str, channels: dict[str, list[Channel]]) -> Any:
    """Build the model of a process with Lava's builder."""
    from lava.magma.compiler.builders.py_builder import PyProcessBuilder
    from lava.magma.compiler.utils import PortInitializer, VarInitializer

    builder = PyProcessBuilder(model_of(process, tag), process.id, process.proc_params)
    builder.set_variables([VarInitializer(v.name, v.shape, v.init, v.id) for v in process.vars])
    ports = [*process.in_ports, *process.out_ports]
    builder.set_py_ports(
        [PortInitializer(p.name, p.shape, None, type(p).__name__, 1) for p in ports]
    )
    builder.csp_ports = channels
    builder.check_all_vars_and_ports_set()
    return builder.build()


def model_of(process: Any, tag: str) -> Any:
    """Return Lava's class for a process."""
    from lava.proc.lif import models as lif
    from lava.proc.sparse import models as sparse

    (found,) = {
        cls
        for module in (lif, sparse)
        for cls in vars(module).values()
        if getattr(cls, "implements_process", None) is type(process) and tag in cls.tags
    }
    return found


def sends(model_class: Any, port: str) -> Any:
    """Return the dtype that a port of a model sends."""
    return np.dtype(getattr(model_class, port).d_type)


def run_case(case: dict[str, Any]) -> dict[str, Any]:
    from bundle_file import Definition
    from lava_parts import make_connection, make_neurons

    tag, n_steps = case["tag"], case["n_steps"]
    definition = Definition(tag, case["header"], case, case["depths"])
    source_dtype = np.dtype(np.int32 if tag == "fixed_pt" else float)
    tables, fed, processes, outgoing, incoming = {}, {}, {}, {}, {}
    for name, entry in definition.populations.items():
        shape = (entry["size"],)
        tables[name] = case.get(f"input:{name}")
        outgoing[name], incoming[name], fed[name] = [], [], []
        if entry["neuron"] is not None:
            processes[name] = make_neurons(definition, entry, name, case["reset_every"])
    connections = []
    for index, entry in enumerate(definition.header["projections"]):
        process = make_connection(definition, index, entry["name"])
        model_class = model_of(process, tag)
        n_post, n_pre = entry["shape"]
        source = processes.get(entry["source"])
        dtype = source_dtype if source is None else sends(model_of(source, tag), "s_out")
        spikes = Channel("s_in", dtype, (n_pre,))
        activation = Channel("a_out", sends(model_class, "a_out"), (n_post,))
        (fed if source is None else outgoing)[entry["source"]].append(spikes)
        incoming[entry["target"]].append(activation)
        model = build(process, tag, {"s_in": [spikes], "a_out": [activation]})
        connections.append((model, activation))
    neurons = {}
    for name, process in processes.items():
        shape = (definition.populations[name]["size"],)
        if tables[name] is not None:  # currents come last, as over a port from outside
            fed[name].append(Channel("a_in", source_dtype, shape))
            incoming[name].append(fed[name][0])
        outgoing[name].append(Channel("kept", sends(model_of(process, tag), "s_out"), shape))
        channels = {"a_in": incoming[name], "s_out": outgoing[name]}
        neurons[name] = build(process, tag, channels)
    return step_through(n_steps, tables, fed, connections, neurons, outgoing)


def step_through(
    n_steps: int, tables: Any, fed: Any, connections: Any, neurons: Any, outgoing: Any
) -> dict[str, Any]:
    rows: dict[str, list[Any]] = {f"{x}:{name}": [] for name in neurons for x in "suv"}
    for step in range(n_steps):
        for name, channels in fed.items():
            for channel in channels:
                table = tables[name]
                row = np.zeros(channel.shape) if table is None else table[step]
                channel.send(row)
        # a connection first sends what it computed in the step before, then receives: stopped
        # while it waits for spikes, it is called again, without sending, when they are there
        held = [[channel.waiting for channel in model.s_in.csp_ports] for model, _ in connections]
        for (model, activation), queues in zip(connections, held, strict=True):
            model.time_step = step + 1
            for port in model.s_in.csp_ports:
                port.waiting = deque()
            try:
                model.run_spk()
            except Waiting:
                pass
            else:
                raise AssertionError("a connection did not wait for its spikes")
            for port, queue in zip(model.s_in.csp_ports, queues, strict=True):
                port.waiting = queue
            activation.is_muted = True
        for name, model in neurons.items():
            model.time_step = step + 1
            model.run_spk()
            rows[f"s:{name}"].append(outgoing[name][-1].recv())
            rows[f"u:{name}"].append(model.u.copy())
            rows[f"v:{name}"].append(model.v.copy())
        for model, activation in connections:
            model.run_spk()
            activation.is_muted = False
    results = {key: np.stack(values) for key, values in rows.items()}
    return {k: v.astype(np.int8) if k.startswith("s:") else v for k, v in results.items()}


def split_delays_once() -> None:
    """Let Lava split a matrix by delays once, not in every step: most of the time went there."""
    from lava.proc.sparse.models import AbstractPyDelaySparseModel

    original = AbstractPyDelaySparseModel.get_delay_wgts_mat
    kept: list[Any] = []

    def get_delay_wgts_mat(weights: Any, delays: Any, max_delay: int) -> Any:
        for mine, own, longest, result in kept:
            if mine is weights and own is delays and longest == max_delay:
                return result
        del kept[:-20]
        kept.append((weights, delays, max_delay, original(weights, delays, max_delay)))
        return kept[-1][-1]

    AbstractPyDelaySparseModel.get_delay_wgts_mat = staticmethod(get_delay_wgts_mat)


def main(runner: str, cases: str, results: str) -> None:
    sys.path[:0] = [runner, str(Path(__file__).parent)]
    from case_file import read_cases, write_cases
    from lava_compat import mend_import

    mend_import()
    import logging

    from lava.magma.core.process.process import AbstractProcess

    split_delays_once()
    done = []
    for case in read_cases(Path(cases)):
        done.append(run_case(case))
        logging.getLogger().handlers.clear()  # Lava adds one for every process
    AbstractProcess.__del__ = lambda self: None  # none was started
    write_cases(Path(results), done)


if __name__ == "__main__":
    main(*sys.argv[1:])
