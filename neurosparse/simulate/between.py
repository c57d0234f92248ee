"""The hook between steps: structural plasticity while a network runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError, TopologyError
from neurosparse.network import Network, Synapses
from neurosparse.simulate.checks import shown
from neurosparse.simulate.recording import Chunk
from neurosparse.simulate.session import Session
from neurosparse.simulate.state import State

__all__ = ["Between", "Hook", "Moment"]


@dataclass(frozen=True)
class Moment:
    """What a hook may look at between two steps.

    Parameters
    ----------
    step : int
        Steps run since the experiment began; the next one has this number.
    n_steps : int
        Steps since the hook was last called, or since the run began if that was later.
    counts : dict of str to (size,) int64
        Spikes of every neuron in these steps, of all populations.
    network : Network
        As it is now.
    state : State
        As it is now.
    """

    step: int
    n_steps: int
    counts: Mapping[str, NDArray[np.int64]]
    network: Network
    state: State


class Between(Protocol):
    """Called between steps; may return other synapses for some projections.

    The synapses returned replace those of the projection of that name at once: a spike under way
    on a projection with one delay reaches the synapses that are there when it arrives; what
    synapses with delays of their own have sent still arrives. Shape, dtype and the kind of delays
    must stay, and the network must not have more synapses than it began the run with.
    """

    def __call__(self, moment: Moment) -> Mapping[str, Synapses] | None:
        """Return the synapses to put in place, by the name of their projection."""


class Hook:
    """Calls ``between`` and puts in place what it returns.

    Parameters
    ----------
    between : Between
        What the user gave.
    network : Network
        With which the run begins.
    """

    def __init__(self, between: Between, network: Network) -> None:
        if not callable(between):
            raise ParameterError(f"between: got {shown(between)}; expected a callable")
        self._between = between
        self._sizes = {name: population.size for name, population in network.populations.items()}
        self._budget = network.n_synapses
        self._forget()

    def _forget(self) -> None:
        self._n_steps = 0
        self._counts = {name: np.zeros(size, np.int64) for name, size in self._sizes.items()}

    def watch(self, chunk: Chunk) -> None:
        """Count a chunk with the spikes of all populations."""
        self._n_steps += chunk.n_steps
        for name, spikes in chunk.spikes.items():
            self._counts[name] += np.bincount(spikes.neurons, minlength=spikes.n_neurons)

    def call(self, session: Session) -> None:
        """Show where the session is, rewire it as told, and count anew.

        Raises
        ------
        ParameterError, TopologyError, ShapeError
            If the changes do not fit the network or exceed the budget.
        """
        changes: Any = self._between(
            Moment(session.step, self._n_steps, self._counts, session.network, session.state())
        )
        self._forget()
        if changes is None:
            return
        after = _rewired(session.network, changes, self._budget)
        if changes:
            session.rewire(after)


def _rewired(network: Network, changes: Any, budget: int) -> Network:
    if not isinstance(changes, Mapping):
        raise ParameterError(
            f"between: the hook returned {shown(changes)}; expected None or a mapping of "
            "projection names to Synapses"
        )
    known = {projection.name: projection.synapses for projection in network.projections}
    for name, synapses in changes.items():
        if name not in known:
            names = ", ".join(map(repr, known))
            raise TopologyError(f"between: no projection {name!r}; there are {names}")
        if not isinstance(synapses, Synapses):
            raise ParameterError(f"between: {name!r} became {shown(synapses)}; expected Synapses")
        old = known[name]
        if synapses.shape != old.shape:
            raise ShapeError(f"between: {name!r} became {synapses.shape}; expected {old.shape}")
        if (synapses.delays is None) != (old.delays is None):
            raise TopologyError(
                f"between: {name!r} must keep its kind of delays (one for the projection, or one "
                "per synapse)"
            )
    after = network.with_synapses(changes)
    if after.n_synapses > budget:
        raise TopologyError(
            f"between: {after.n_synapses} synapses after rewiring; the budget is {budget}, with "
            "which the run began: drop as many as are grown"
        )
    return after
