"""Spikes of a batch over time, a bit each, that gradients pass through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.jit import compile_notice, threads_for
from neurosparse.train.packing_kernels import (
    pack_events,
    pack_raster,
    pack_rows,
    unpack_rows,
)
from neurosparse.train.spiking_kernels import count_rows

if TYPE_CHECKING:
    from neurosparse.data import EventBatch

__all__ = ["PackedSpikes", "lanes_of"]

# Lanes of a group of samples, and what a group costs beside its arithmetic, in vectors of 16 lanes
_LANES = (64, 16)
_OVERHEAD = 1.2


def lanes_of(batch: int) -> int:
    """Return how many lanes the groups of a batch have: 64, or 16 where that wastes less."""
    return min(_LANES, key=lambda lanes: -(-batch // lanes) * (lanes / 16 + _OVERHEAD))


class PackedSpikes:
    """Who spiked when in every sample: what spiking layers hand on to one another.

    Parameters
    ----------
    packed : (size, n_steps, n_bytes) uint8
        Bit ``b % 8`` of byte ``b // 8`` is sample ``b``; bits past the batch are 0.
    batch : int
        Number of samples.
    edge : Tensor, optional
        Carries gradients to whoever made the spikes; see Notes.
    counts : (size, 8 * n_bytes) Tensor, optional
        Spikes over time, of layers that count them anyway.

    Attributes
    ----------
    size, n_steps, batch : int
        Neurons, steps, samples.

    Notes
    -----
    A bit instead of a float32 per neuron, step and sample. ``edge`` is an autograd node of shape
    (size, n_steps, n_lanes) without values of its own (one number, expanded); its gradient is
    that of the spikes, lanes being samples.

    Examples
    --------
    >>> spikes = PackedSpikes.from_tensor(torch.tensor([[[1.0, 0.0]], [[1.0, 1.0]]]))
    >>> spikes.shape, spikes.counts.tolist()
    ((2, 1, 2), [[2.0, 1.0]])
    """

    def __init__(
        self,
        packed: NDArray[np.uint8],
        batch: int,
        edge: Tensor | None = None,
        counts: Tensor | None = None,
    ) -> None:
        self.packed = packed
        self.size, self.n_steps, _ = packed.shape
        self.batch = batch
        self.edge = edge
        self._counts = counts

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(n_steps, batch, size)``, as of the tensor."""
        return self.n_steps, self.batch, self.size

    @property
    def n_lanes(self) -> int:
        """Samples there is room for."""
        return 8 * int(self.packed.shape[2])

    def words(self, lanes: int) -> NDArray[Any]:
        """Return the spikes as (size, n_steps * n_groups) words of ``lanes`` bits, a view."""
        return self.packed.view(f"u{lanes // 8}").reshape(self.size, -1)

    @property
    def counts(self) -> Tensor:
        """Spikes of every sample and neuron over time, (batch, size) float; differentiable."""
        if self._counts is None:
            counts: Tensor = _Count.apply(self.edge, self)  # type: ignore[no-untyped-call]
            self._counts = counts
        return self._counts[:, : self.batch].T

    def __repr__(self) -> str:
        return f"PackedSpikes(n_steps={self.n_steps}, batch={self.batch}, size={self.size})"

    # ------------------------------------------------------------------ in and out

    @classmethod
    def empty(cls, n_steps: int, batch: int, size: int) -> PackedSpikes:
        """Return spikes of which there are none."""
        lanes = lanes_of(batch)
        return cls(np.zeros((size, n_steps, -(-batch // lanes) * lanes // 8), np.uint8), batch)

    @classmethod
    def from_tensor(cls, raster: Tensor | NDArray[Any]) -> PackedSpikes:
        """Pack (n_steps, batch, size) of zeros and ones of any dtype; gradients pass through.

        Raises
        ------
        ShapeError
            If it has another shape, or no step, sample or neuron.
        ParameterError
            If it holds anything but 0 and 1.
        """
        tensor = torch.as_tensor(raster)
        if tensor.ndim != 3 or not tensor.numel():
            raise ShapeError(
                f"spikes: got shape {tuple(tensor.shape)}; expected (n_steps, batch, size), "
                "none of them 0"
            )
        spikes = cls.empty(*tensor.shape)
        values = tensor.detach()
        if values.dtype == torch.bool:
            values = values.view(torch.uint8)
        major = values.movedim(-1, 0)
        # as our own layers lay it out, neurons first, or as people do, steps first
        pack: Any = pack_rows if major.is_contiguous() else pack_raster
        array = (major if major.is_contiguous() else values.contiguous()).numpy()
        foreign = np.zeros(len(array), dtype=np.bool_)
        with compile_notice(pack), threads_for(array.size):
            pack(array, spikes.packed, foreign)
        if foreign.any():
            raise ParameterError(
                "spikes: got numbers other than 0 and 1; graded input goes through SparseLinear "
                "and LIFLayer, or as currents into input neurons"
            )
        if tensor.requires_grad:
            spikes.edge = _FromTensor.apply(tensor, spikes)  # type: ignore[no-untyped-call]
        return spikes

    @classmethod
    def from_events(cls, events: EventBatch) -> PackedSpikes:
        """Pack a list of events (step, sample, neuron)."""
        spikes = cls.empty(events.n_steps, events.batch, events.size)
        pack_events(events.steps, events.samples, events.neurons, spikes.packed)
        return spikes

    def to_tensor(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return (n_steps, batch, size) of zeros and ones; gradients pass through.

        Its memory is neuron-major, as `SparseLinear` takes it without a copy.
        """
        tensor: Tensor = _ToTensor.apply(self.edge, self, dtype)  # type: ignore[no-untyped-call]
        return tensor

    def detach(self) -> PackedSpikes:
        """Return the same spikes, without gradients."""
        counts = None if self._counts is None else self._counts.detach()
        return PackedSpikes(self.packed, self.batch, counts=counts)


def carrier(spikes: PackedSpikes, dtype: torch.dtype) -> Tensor:
    """Return the value of an edge: one zero, expanded to the shape of the spikes."""
    return torch.zeros((), dtype=dtype).expand(spikes.size, spikes.n_steps, spikes.n_lanes)


def count(spikes: PackedSpikes, dtype: torch.dtype) -> Tensor:
    """Return the spikes over time, (size, n_lanes)."""
    lanes = lanes_of(spikes.batch)
    counts = torch.empty((spikes.size, spikes.n_lanes), dtype=dtype)
    groups = counts.numpy().reshape(spikes.size, -1, lanes)
    with compile_notice(count_rows), threads_for(spikes.packed.size):
        count_rows(spikes.words(lanes), spikes.n_steps, groups)
    return counts


def to_lanes(raster: Tensor, n_lanes: int) -> Tensor:
    """Return (n_steps, batch, size) as (size, n_steps, n_lanes), a view where that can be."""
    major = raster.movedim(-1, 0)
    if major.shape[2] == n_lanes:
        return major.contiguous()
    if len(raster) > 1 and major.stride(1) == 0:  # the same in every step
        return to_lanes(raster[:1], n_lanes).expand(-1, len(raster), -1)
    return torch.nn.functional.pad(major, (0, n_lanes - major.shape[2]))


class _FromTensor(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, raster: Tensor, spikes: PackedSpikes) -> Tensor:
        ctx.batch, ctx.dtype = spikes.batch, raster.dtype
        return carrier(spikes, raster.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0][:, :, : ctx.batch].movedim(0, -1).to(ctx.dtype), None


class _ToTensor(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, edge: Tensor | None, spikes: PackedSpikes, dtype: torch.dtype) -> Tensor:
        ctx.n_lanes = spikes.n_lanes
        ctx.dtype = None if edge is None else edge.dtype
        rows = torch.empty((spikes.size, spikes.n_steps, spikes.batch), dtype=dtype)
        with compile_notice(unpack_rows), threads_for(rows.numel()):
            unpack_rows(spikes.packed, rows.numpy())
        return rows.movedim(0, -1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return to_lanes(grads[0], ctx.n_lanes).to(ctx.dtype), None, None


class _Count(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, edge: Tensor | None, spikes: PackedSpikes) -> Tensor:
        ctx.n_steps = spikes.n_steps
        return count(spikes, torch.float32 if edge is None else edge.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0][:, None, :].expand(-1, ctx.n_steps, -1), None
