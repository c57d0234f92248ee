"""What a run counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Activity"]


@dataclass(frozen=True)
class Activity:
    """Counts of one run; nothing here is estimated.

    Parameters
    ----------
    n_steps : int
        Steps that were run.
    spikes : mapping of str to int
        Spikes per population.
    synaptic_events : mapping of str to int
        Per projection: the sum over spikes of the fan-out.
    neuron_updates : mapping of str to int
        Per population of neurons: neurons times steps (sources are not updated).
    """

    n_steps: int
    spikes: Mapping[str, int]
    synaptic_events: Mapping[str, int]
    neuron_updates: Mapping[str, int]

    @property
    def total_spikes(self) -> int:
        """Spikes of all populations."""
        return sum(self.spikes.values())

    @property
    def total_synaptic_events(self) -> int:
        """Synaptic events of all projections."""
        return sum(self.synaptic_events.values())

    @property
    def total_neuron_updates(self) -> int:
        """Neuron updates of all populations."""
        return sum(self.neuron_updates.values())
