"""Drop and grow rules inside a simulation: a hook for `simulate(between=...)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network import Synapses
from neurosparse.sparsify.budget import Budget, LayerBudget
from neurosparse.sparsify.context import Context
from neurosparse.sparsify.drop import DropRule
from neurosparse.sparsify.grow import GrowRule, Uniform
from neurosparse.sparsify.scheme import Scheme
from neurosparse.sparsify.wiring import (
    Newborn,
    Streams,
    named,
    projection_of,
    synapses_after,
    view_of,
)

if TYPE_CHECKING:
    from neurosparse.simulate import Moment

__all__ = ["SimulationRewirer"]


class SimulationRewirer:
    """Drop synapses by a rule and grow as many, while a network is simulated.

    Parameters
    ----------
    projections : sequence of str or mapping of str to Newborn
        Which projections to rewire, and what grows there. Names alone do where all synapses share
        one weight and one delay.
    drop : DropRule
        Which synapses go, for example `RandomShare`. Rules see a layer by presynaptic row
        (``LayerView.by_pre``), and the step of the simulation. One that remembers from call to
        call (`AdaptiveThreshold`) is refused, as a simulation that goes on from a checkpoint would
        have forgotten.
    grow : GrowRule, optional
        Which pairs connect; default `Uniform` among all that are not connected.
    budget : Budget, optional
        How many each projection grows; default as many as it lost.
    rng : numpy.random.Generator
        Gives the seed. What a call does depends on it, the step and the network only, so that a
        run that is continued at a call rewires as one in a single piece.

    Raises
    ------
    TopologyError, ParameterError
        On the first call, if a projection is not there, has multapses, `Newborn` does not fit, or a
        rule remembers.

    Notes
    -----
    With `RandomShare` this is the random walk through connectivity that DEEP R (Bellec et al. 2018)
    makes when nothing is learnt. Time and memory per call O(n_active) of the projections.

    Examples
    --------
    >>> import numpy as np
    >>> from neurosparse import LIF, Network, Population, Projection, Synapses
    >>> from neurosparse.simulate import simulate
    >>> from neurosparse.sparsify import RandomShare, SimulationRewirer
    >>> rng = np.random.default_rng(0)
    >>> synapses = Synapses.random(20, 10, density=0.1, rng=rng, weights=0.5)
    >>> net = Network(
    ...     {"in": Population(20), "out": Population(10, LIF())},
    ...     [Projection("in", "out", synapses)],
    ... )
    >>> hook = SimulationRewirer(["in->out"], drop=RandomShare(0.25), rng=rng)
    >>> run = simulate(net, n_steps=10, between=hook, between_every=10)
    >>> run.network.n_synapses, run.network.projections[0].synapses == synapses
    (20, False)
    """

    def __init__(
        self,
        projections: Sequence[str] | Mapping[str, Newborn],
        *,
        drop: DropRule,
        grow: GrowRule | None = None,
        budget: Budget | None = None,
        rng: np.random.Generator,
    ) -> None:
        self._projections = named(projections)
        self._scheme = Scheme(
            "inside a simulation",
            drop=drop,
            grow=grow or Uniform(),
            budget=budget or LayerBudget(),
            signs=_unsigned,  # Newborn says which weights grow
        )
        self._streams = Streams(rng)

    def __call__(self, moment: Moment) -> dict[str, Synapses]:
        """Return the synapses of the projections that change."""
        rng = self._streams.at(moment.step)
        found = [
            projection_of(moment.network, name, newborn)
            for name, newborn in self._projections.items()
        ]
        layers = [
            view_of(projection, newborn)
            for projection, newborn in zip(found, self._projections.values(), strict=True)
        ]
        context = Context(moment.step, rng)
        rewirings = self._scheme.step(layers, context)
        if context.memory:
            raise ParameterError(
                f"drop, grow, budget: one of them remembers {', '.join(context.memory)} from call "
                "to call, which a simulation cannot keep"
            )
        return {
            projection.name: synapses_after(projection.synapses, layer, rewiring, newborn, rng)
            for projection, layer, rewiring, newborn in zip(
                found, layers, rewirings, self._projections.values(), strict=True
            )
            if rewiring is not None
        }


def _unsigned(keys: NDArray[np.int64], n_pre: int, rng: np.random.Generator) -> NDArray[np.int8]:
    return np.ones(keys.size, dtype=np.int8)
