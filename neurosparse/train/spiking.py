"""What joins layers of neurons to autograd: arrivals and spikes in, spikes and gradients out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurosparse.jit import compile_notice, threads_for
from neurosparse.train.packed import PackedSpikes, carrier, count, lanes_of
from neurosparse.train.spiking_backward_kernels import (
    backward_groups,
    backward_inputs,
    backward_rows,
    backward_weights,
)
from neurosparse.train.spiking_kernels import Wires, forward_groups, forward_rows
from neurosparse.train.surrogate import derivative, slope_of
from neurosparse.train.surrogate_kernels import GIVEN, Slope
from neurosparse.train.workspace import WORKSPACE

if TYPE_CHECKING:
    from neurosparse.train.lif import LIFLayer
    from neurosparse.train.sparse_linear import SparseLinear

__all__ = ["Source", "run_neurons"]

_CELL = 8  # multiply-adds that a neuron's own step is worth, forward or backward
_NO_TAPE = -1  # instead of the number of steps between states that are kept


class Source(NamedTuple):
    """Spikes, the synapses that carry them, and how many steps late they arrive."""

    spikes: PackedSpikes
    synapses: SparseLinear
    late: int


def run_neurons(
    layer: LIFLayer,
    n_steps: int,
    batch: int,
    *,
    source: Source | None = None,
    drive: Tensor | None = None,
) -> PackedSpikes:
    """Run a layer of neurons over all steps.

    Parameters
    ----------
    layer : LIFLayer
        The neurons, and their connections to one another.
    n_steps, batch : int
        Steps and samples.
    source : Source, optional
        Spikes that arrive, of ``n_steps`` and ``batch``.
    drive : Tensor, optional
        What arrives besides, (size, n_steps, n_lanes).

    Returns
    -------
    PackedSpikes
        Its gradient reaches the weights, the spikes and ``drive``.
    """
    given = [
        None if source is None else source.spikes.edge,
        drive,
        None if source is None else source.synapses.values(),
        None if layer.recurrent is None else layer.recurrent.values(),
    ]
    record = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in given)
    run = _Run(layer, n_steps, batch, source, record)
    edge, counts = _Spiking.apply(*given, run)  # type: ignore[no-untyped-call]
    return PackedSpikes(run.spikes.packed, batch, edge, counts)


class _Run:
    """One forward pass, and what its backward pass needs of it.

    Floats are (n, n_steps, n_lanes) tensors; `_Grouped` shows them as the kernels want them.
    """

    def __init__(
        self, layer: LIFLayer, n_steps: int, batch: int, source: Source | None, record: bool
    ) -> None:
        self.layer, self.n_steps, self.batch, self.record = layer, n_steps, batch, record
        self.spikes = PackedSpikes.empty(n_steps, batch, layer.size)
        own = layer.recurrent
        self.sources = [
            source,
            None if own is None else Source(self.spikes, own, layer.recurrent_delay),
        ]
        # by the time of a late backward pass a layer may have been rewired
        self.rows = [
            None if s is None else (s.synapses.indptr.numpy(), s.synapses.indices.numpy())
            for s in self.sources
        ]
        self.probes = [None if s is None else s.synapses.probe for s in self.sources]
        self.every = (layer.checkpoint_steps or 0) if record else _NO_TAPE

    def prepare(
        self, drive: Tensor | None, weight: Tensor | None, own_weight: Tensor | None
    ) -> None:
        """Take in what arrives, and make room for what is kept."""
        self.dtype = next(x.dtype for x in (weight, own_weight, drive) if x is not None)
        self.cells = self.layer.cells(np.dtype(str(self.dtype).removeprefix("torch.")))
        self.weights = [None if w is None else _array(w) for w in (weight, own_weight)]
        n_lanes = self.spikes.n_lanes
        n_kept = -(-self.n_steps // self.every) if self.every > 0 else 0
        self.drive = self.new(0) if drive is None else drive
        self.tape = self.new(self.layer.size if self.every == 0 else 0)
        self.states = WORKSPACE.empty((self.layer.size, n_kept, 2, n_lanes), self.dtype)

    def new(self, n: int) -> Tensor:
        """Return unset floats."""
        return WORKSPACE.empty((n, self.n_steps, self.spikes.n_lanes), self.dtype)

    @property
    def operations(self) -> int:
        """Multiply-adds of a pass."""
        synapses = sum(rows[1].size for rows in self.rows if rows is not None)
        return (synapses + _CELL * self.layer.size) * self.n_steps * self.spikes.n_lanes

    def parts(self) -> NDArray[np.int64]:
        """Cut the neurons into a part per thread, of equal work."""
        n_parts = numba.get_num_threads()
        if n_parts == 1:
            return np.array([0, self.layer.size])
        cost = _CELL * np.arange(self.layer.size + 1)
        for rows in self.rows:
            if rows is not None:
                cost = cost + rows[0]
        bounds: NDArray[np.int64] = cost.searchsorted(cost[-1] * np.arange(n_parts + 1) / n_parts)
        return bounds

    def lanes_in_time(self) -> int:
        """Return the lanes that go through time together.

        Neurons that feed one another wait for each other at every step: there, groups of lanes are
        what runs in parallel, and there are to be as many as threads.
        """
        lanes = lanes_of(self.batch)
        few = self.spikes.n_lanes // lanes < numba.get_num_threads()
        return 16 if self.layer.recurrent is not None and few else lanes


@functools.lru_cache(maxsize=64)
def _valid(batch: int, n_lanes: int, lanes: int) -> NDArray[Any]:
    """Return a word per group: the lanes that are samples."""
    return np.packbits(np.arange(n_lanes) < batch, bitorder="little").view(f"u{lanes // 8}")


@functools.lru_cache(maxsize=64)
def _no_wires(size: int, lanes: int, dtype: np.dtype[Any]) -> Wires:
    return Wires(
        np.zeros(size + 1, dtype=np.int64),
        np.zeros(0, dtype=np.int32),
        np.zeros(0, dtype=dtype),
        np.zeros((1, 1), dtype=f"u{lanes // 8}"),
        0,
    )


class _Grouped:
    """The arrays of a run with samples in groups of so many lanes; views all."""

    def __init__(self, run: _Run, lanes: int) -> None:
        self.run, self.lanes = run, lanes
        self.n_groups = run.spikes.n_lanes // lanes
        self.valid = _valid(run.batch, run.spikes.n_lanes, lanes)

    def columns(self, tensor: Tensor) -> NDArray[Any]:
        """Return (n, n_steps, n_lanes) as (n, n_columns, lanes)."""
        n, n_steps, _ = tensor.shape
        return _array(tensor).reshape(n, n_steps * self.n_groups, self.lanes)

    def wires(self, index: int) -> Wires:
        """Return the synapses of a source as the kernels want them."""
        source, rows = self.run.sources[index], self.run.rows[index]
        weights = self.run.weights[index]
        if source is None or rows is None or weights is None:
            return _no_wires(self.run.layer.size, self.lanes, self.run.cells.vth.dtype)
        return Wires(*rows, weights, source.spikes.words(self.lanes), source.late * self.n_groups)

    def forward_arguments(self) -> tuple[Any, ...]:
        """Return what the kernels take, forward and backward alike."""
        run = self.run
        states = _array(run.states)
        return (
            run.n_steps,
            self.wires(0),
            self.wires(1),
            self.columns(run.drive),
            run.cells,
            self.valid,
            run.spikes.words(self.lanes),
            self.columns(run.tape),
            run.every,
            states.reshape(*states.shape[:3], self.n_groups, self.lanes),
        )

    def backward_arguments(
        self, tape: Tensor, slope: Slope, grad: Tensor | None, grad_counts: Tensor | None
    ) -> tuple[Any, ...]:
        """Return what the kernels take backward, with the gradients that come in."""
        run = self.run
        *before, _, every, states = self.forward_arguments()
        counts = torch.empty((0, run.spikes.n_lanes), dtype=run.dtype)
        counts = counts if grad_counts is None else grad_counts
        return (
            *before,
            self.columns(tape),
            every,
            states,
            slope,
            self.columns(run.new(0) if grad is None else grad),
            _array(counts).reshape(len(counts), self.n_groups, self.lanes),
        )


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().contiguous().numpy()
    return array


class _Spiking(torch.autograd.Function):
    """Spikes of a layer as an edge, and their counts (size, n_lanes)."""

    @staticmethod
    def forward(
        ctx: Any,
        edge: Tensor | None,
        drive: Tensor | None,
        weight: Tensor | None,
        own_weight: Tensor | None,
        run: _Run,
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        run.prepare(drive, weight, own_weight)
        with threads_for(run.operations):
            arguments = _Grouped(run, run.lanes_in_time()).forward_arguments()
            if run.layer.recurrent is None:
                with compile_notice(forward_rows):
                    forward_rows(run.parts(), *arguments)
            else:
                with compile_notice(forward_groups):
                    forward_groups(*arguments)
        if run.record:
            ctx.run = run
            ctx.save_for_backward(*(x for x in (weight, own_weight) if x is not None))
        return carrier(run.spikes, run.dtype), count(run.spikes, run.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        if all(grad is None for grad in grads):
            return None, None, None, None, None
        _ = ctx.saved_tensors  # raises where weights have been changed since
        run: _Run = ctx.run
        wants_edge, wants_drive, wants_weight, wants_own, _ = ctx.needs_input_grad
        keep = wants_edge or wants_drive or any(probe is not None for probe in run.probes)
        with threads_for(run.operations):
            arrived, grad_weights = _backward(run, *grads, keep=keep)
            grad_edge = _backward_edge(run, arrived) if wants_edge else None
        for index in (0, 1):
            _probe(run, index, arrived)
        return (
            grad_edge,
            arrived if wants_drive else None,
            torch.from_numpy(grad_weights[0]) if wants_weight else None,
            torch.from_numpy(grad_weights[1]) if wants_own else None,
            None,
        )


def _backward(
    run: _Run, grad: Tensor | None, grad_counts: Tensor | None, *, keep: bool
) -> tuple[Tensor, list[NDArray[Any]]]:
    """Return the gradient of what arrived (empty unless it is to be kept), and of both weights."""
    tape = run.tape
    slope = slope_of(run.layer.surrogate, run.cells.vth.dtype.type)
    if slope.kind == GIVEN:
        tape = derivative(run.layer.surrogate, tape)
    arguments = (tape, slope, grad, grad_counts)
    together = _Grouped(run, lanes_of(run.batch))
    wires = [together.wires(index) for index in (0, 1)]
    grad_weights = [np.empty_like(each.weights) for each in wires]
    if run.layer.recurrent is None:
        arrived = run.new(run.layer.size if keep else 0)
        with compile_notice(backward_rows):
            out = (together.columns(arrived), grad_weights[0])
            backward_rows(run.parts(), *(*together.backward_arguments(*arguments), *out))
        return arrived, grad_weights
    arrived = run.new(run.layer.size)
    in_time = _Grouped(run, run.lanes_in_time())
    with compile_notice(backward_groups):
        backward_groups(*(*in_time.backward_arguments(*arguments), in_time.columns(arrived)))
        for each, sums in zip(wires, grad_weights, strict=True):
            backward_weights(run.parts(), each, together.columns(arrived), sums)
    return arrived, grad_weights


def _backward_edge(run: _Run, arrived: Tensor) -> Tensor:
    """Return the gradient of the spikes that came in."""
    together = _Grouped(run, lanes_of(run.batch))
    wires = together.wires(0)
    grad = run.new(wires.words.shape[0])
    out = together.columns(grad)
    n_parts = numba.get_num_threads()
    columns = np.arange(n_parts + 1) * out.shape[1] // n_parts
    with compile_notice(backward_inputs):
        backward_inputs(columns, wires, together.columns(arrived), out)
    return grad


def _probe(run: _Run, index: int, arrived: Tensor) -> None:
    """Show the gradients of dormant synapses to whoever looks for large ones."""
    source, rows, probe = run.sources[index], run.rows[index], run.probes[index]
    if source is None or rows is None or probe is None:
        return
    together = _Grouped(run, lanes_of(run.batch))
    wires, columns = together.wires(index), together.columns(arrived)
    n_pre = source.synapses.in_features

    def gradient(low: int, high: int) -> NDArray[Any]:
        full = wires._replace(
            indptr=np.arange(high - low + 1) * n_pre,
            indices=np.tile(np.arange(n_pre, dtype=np.int32), high - low),
        )
        sums = np.empty((high - low) * n_pre, dtype=columns.dtype)
        bounds = np.linspace(0, high - low, numba.get_num_threads() + 1).astype(np.int64)
        with compile_notice(backward_weights):
            backward_weights(bounds, full, columns[low:high], sums)
        return sums.reshape(high - low, n_pre)

    probe.add(rows, n_pre, gradient)
