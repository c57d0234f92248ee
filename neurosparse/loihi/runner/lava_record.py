"""Recorders that write whole tables.

Lava hands variables out number by number, some 20 us each; these write a file at the end of the
run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyRefPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, RefPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class SpikeRecorder(AbstractProcess):  # type: ignore[misc]
    """Write what arrives at ``a_in`` in ``n_steps`` steps to ``path``, (n_steps, size)."""

    def __init__(self, shape: tuple[int, ...], n_steps: int, path: Path, name: str) -> None:
        super().__init__(n_steps=n_steps, path=str(path), name=name)
        self.a_in = InPort(shape=shape)


class StateRecorder(AbstractProcess):  # type: ignore[misc]
    """Write ``variable`` as it is after each of ``n_steps`` steps to ``path``, (n_steps, size)."""

    def __init__(self, variable: Any, n_steps: int, path: Path, name: str) -> None:
        super().__init__(n_steps=n_steps, path=str(path), name=name)
        self.state = RefPort(shape=variable.shape)
        self.state.connect_var(variable)


class _Recorder(PyLoihiProcessModel):  # type: ignore[misc]
    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.n_steps: int = proc_params["n_steps"]
        self.path: str = proc_params["path"]
        self.rows: list[Any] = []

    def keep(self, row: Any, dtype: Any) -> None:
        self.rows.append(np.asarray(row).astype(dtype))
        if len(self.rows) == self.n_steps:
            np.save(self.path, np.stack(self.rows))


class _SpikeRecorder(_Recorder):
    a_in: Any = None

    def run_spk(self) -> None:
        self.keep(np.sign(self.a_in.recv()), np.int8)


@implements(proc=SpikeRecorder, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatingPointSpikeRecorder(_SpikeRecorder):
    """Records spikes of ``floating_pt`` models."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)


@implements(proc=SpikeRecorder, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class FixedPointSpikeRecorder(_SpikeRecorder):
    """Records spikes of ``fixed_pt`` models."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)


class _StateRecorder(_Recorder):
    state: Any = None
    dtype: Any = None

    def post_guard(self) -> bool:
        """Ask for the phase after the spikes of every step."""
        return True

    def run_post_mgmt(self) -> None:
        self.keep(self.state.read(), self.dtype)


@implements(proc=StateRecorder, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatingPointStateRecorder(_StateRecorder):
    """Records state of ``floating_pt`` models."""

    state: PyRefPort = LavaPyType(PyRefPort.VEC_DENSE, float)
    dtype = np.float64


@implements(proc=StateRecorder, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class FixedPointStateRecorder(_StateRecorder):
    """Records state of ``fixed_pt`` models."""

    state: PyRefPort = LavaPyType(PyRefPort.VEC_DENSE, np.int32)
    dtype = np.int64
