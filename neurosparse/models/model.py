"""Model: a network with all that is needed to run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neurosparse.network import Network
from neurosparse.simulate import Poisson, State

__all__ = ["Model"]


@dataclass(frozen=True, eq=False)
class Model:
    """A published network, its drive and the state it starts from.

    Parameters
    ----------
    network : Network
        Membranes and weights in mV; a membrane counts from the reset potential, so that 0 is the
        value after a spike (see `ExactMembrane`).
    inputs : mapping of str to Poisson
        What drives it; empty where the drive is a bias of the neurons.
    state : State
        Drawn initial membranes; nothing is under way.
    dt_ms : float [ms]
        Length of a step.
    reference : str
        Where it was published.
    labels : mapping of str to tuple of str
        Names of the neurons of every population, where they have names (connectomes).

    Examples
    --------
    >>> import numpy as np
    >>> from neurosparse.models import cuba
    >>> from neurosparse.simulate import simulate
    >>> rng = np.random.default_rng(0)
    >>> model = cuba(400, rng=rng)
    >>> run = simulate(model.network, model.inputs, 100, state=model.state, rng=rng)
    >>> sorted(run.spikes)
    ['E', 'I']
    """

    network: Network
    inputs: Mapping[str, Poisson]
    state: State
    dt_ms: float
    reference: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def steps(self, duration_ms: float) -> int:
        """Return the number of steps nearest to a duration [ms]."""
        return round(duration_ms / self.dt_ms)
