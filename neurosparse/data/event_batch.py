"""Spikes of a batch of samples as a list of events, and recordings binned into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.data.event_dataset import MAX_TIME_US, EventDataset
from neurosparse.errors import ParameterError
from neurosparse.network.checks import MAX_SIZE, check_count, check_vector

__all__ = ["EventBatch", "bin_events", "check_step_us"]


@dataclass(frozen=True, eq=False)
class EventBatch:
    """Spikes of a batch of samples, each once, as a list instead of a raster.

    Parameters
    ----------
    n_steps : int
        Steps of every sample.
    batch : int
        Samples.
    size : int
        Neurons.
    steps, samples, neurons : (n_spikes,) int32
        When, in which sample, and who; in ``[0, n_steps)``, ``[0, batch)`` and ``[0, size)``. No
        spike occurs twice. `bin_events` lists them sample by sample, in order of time.

    Raises
    ------
    ShapeError, ParameterError
        If the vectors differ in length, or an entry is out of range.

    Examples
    --------
    >>> spikes = EventBatch(2, batch=1, size=3, steps=[0, 1], samples=[0, 0], neurons=[2, 0])
    >>> spikes.raster()[:, 0].tolist()
    [[0, 0, 1], [1, 0, 0]]
    """

    n_steps: int
    batch: int
    size: int
    steps: NDArray[np.int32]
    samples: NDArray[np.int32]
    neurons: NDArray[np.int32]

    def __post_init__(self) -> None:
        n_spikes = np.size(self.steps)
        for field, bound in (("steps", "n_steps"), ("samples", "batch"), ("neurons", "size")):
            most = check_count(bound, getattr(self, bound), least=1, most=MAX_SIZE)
            values = check_vector(field, getattr(self, field), n_spikes, np.int32)
            if n_spikes and not (values.min() >= 0 and values.max() < most):
                raise ParameterError(
                    f"{field}: got {values.min()} to {values.max()}; allowed is 0 to {most - 1}"
                )
            object.__setattr__(self, bound, most)
            object.__setattr__(self, field, values)

    @property
    def n_spikes(self) -> int:
        """Spikes in all samples together."""
        return self.steps.size

    def raster(self) -> NDArray[np.uint8]:
        """Return zeros and ones, (n_steps, batch, size) uint8."""
        spikes = np.zeros((self.n_steps, self.batch, self.size), dtype=np.uint8)
        spikes[self.steps, self.samples, self.neurons] = 1
        return spikes

    def __repr__(self) -> str:
        return (
            f"EventBatch({self.n_spikes} spikes, {self.n_steps} steps, {self.batch} samples, "
            f"{self.size} neurons)"
        )


def check_step_us(step_us: Any) -> int:
    """Return a length of time in whole microseconds, from 1 to what a recording can last.

    Raises
    ------
    ParameterError
        If it is anything else.
    """
    return check_count("step_us", step_us, least=1, most=MAX_TIME_US)


def bin_events(data: EventDataset, n_steps: int, step_us: int) -> EventBatch:
    """Bin recordings into steps: a pixel spikes in every step in which it has events.

    An event at ``t`` falls into step ``t // step_us``; later events than ``n_steps`` steps are left
    out. Several events of one pixel and polarity in one step are one spike.

    Parameters
    ----------
    data : EventDataset
        The recordings.
    n_steps : int
        Steps, >= 1.
    step_us : int [us]
        Recorded time per step, >= 1.

    Returns
    -------
    EventBatch
        Sample by sample, in order of time.

    Raises
    ------
    ParameterError
        If an argument is out of range.

    Notes
    -----
    Cost O(events + n_inputs), no raster. Oracle: ``tests/data/test_event_encoding.py``.
    """
    steps = check_count("n_steps", n_steps, least=1, most=MAX_SIZE)
    step_us = check_step_us(step_us)
    from neurosparse.data.event_kernels import bin_samples  # numba is slow to import

    found = np.empty((3, data.n_events), dtype=np.int32)
    last = np.full(data.n_inputs, -1, dtype=np.int64)
    n = bin_samples(data.times_us, data.addresses, data.starts, steps, step_us, last, *found)
    return EventBatch(steps, len(data), data.n_inputs, *found[:, :n])
