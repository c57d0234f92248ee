"""Neuron pruning: all synapses into and out of the lowest-scored hidden neurons go."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import Network
from neurosparse.network.checks import check_fraction, check_generator, check_vector
from neurosparse.sparsify.context import Context
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.schedules import Curve
from neurosparse.sparsify.structure.compact import keep_synapses
from neurosparse.sparsify.target import Target
from neurosparse.sparsify.wiring import Newborn, view_of

__all__ = ["NeuronScore", "Neurons", "Wiring", "prune_neurons"]

NeuronScore = Literal["fan_in", "fan_out", "rate", "gradient"]
Wiring = Sequence[tuple[Hashable, Hashable]]
"""Per layer of synapses, the group of neurons it comes from and the one it goes to."""
Rates = Mapping[Any, NDArray[Any]]


class Neurons:
    r"""Drop all synapses into and out of the lowest-scored neurons of every hidden layer.

    The score of neuron ``i``, over its synapses in all layers under the scheme::

        fan_in      sqrt(sum_in w^2)
        fan_out     sqrt(sum_out w^2)
        rate        mean firing rate on given samples
        gradient    sum_in |w g| + sum_out |w g|      g: gradient of the loss in this step

    A neuron that has no synapse any more scores lowest. Every hidden layer loses the same share of
    its neurons, and keeps its best one at least.

    Parameters
    ----------
    amount : float, callable or Target
        A number or a `Curve`: ``floor(share * n)`` of a layer's ``n`` neurons that still have
        synapses go, ``0 < share <= 1``. A `Target`: as few neurons go, the same share of every
        hidden layer, as bring the synapses of all layers together down to the sum of what the
        target says; its split over layers is not kept, as a neuron takes synapses of two layers.
    score : {"fan_in", "fan_out", "rate", "gradient"}
        Which score.
    wiring : sequence of (group, group), optional
        Which neurons each layer connects, source first, in any names. Default: a chain, layer
        ``i`` from group ``i`` to ``i + 1``. Where neurons of a layer feed one another, say so:
        ``[(0, 1), (1, 1), (1, 2)]``; `neurosparse.train.wiring_of` reads it off a classifier.
        Hidden groups are those that have synapses from others and to others.
    rates : callable, optional
        For ``score="rate"``: ``() -> mapping`` of hidden group to (size,) rates [spikes per step],
        called at every exchange; `neurosparse.train.firing_rates` measures them.

    Raises
    ------
    ParameterError
        If an argument is unknown or out of range, or ``rates`` is missing or out of place.

    Notes
    -----
    Cost O(n_active log n_active) with a target, O(n_active) with a share. State: none. Neurons
    without synapses are taken out by `neurosparse.train.compact_model`.

    References
    ----------
    Hoefler et al. 2021 (arXiv 2102.00554), section 3, candidates for removal, structured; Molchanov
    et al. 2017 (arXiv 1611.06440), the Taylor criterion, here synapse by synapse.
    """

    def __init__(
        self,
        amount: float | Curve | Target,
        score: NeuronScore = "fan_in",
        *,
        wiring: Wiring | None = None,
        rates: Callable[[], Rates] | None = None,
    ) -> None:
        self.amount = (
            amount
            if isinstance(amount, Target) or callable(amount)
            else check_fraction("amount", amount)
        )
        if score not in get_args(NeuronScore):
            raise ParameterError(
                f"score: got {score!r}; allowed is {', '.join(get_args(NeuronScore))}"
            )
        if (rates is not None) != (score == "rate"):
            raise ParameterError(
                f"rates: {'missing' if rates is None else 'given'} with score={score!r}; "
                "score='rate' needs them, the others do not"
            )
        self.score, self.rates = score, rates
        self.wiring = None if wiring is None else [(source, target) for source, target in wiring]

    @property
    def needs(self) -> tuple[str, ...]:
        """What the layers have to come with; see `Scheme.needs`."""
        return ("gradient",) if self.score == "gradient" else ()

    def __call__(self, layers: Sequence[LayerView], context: Context) -> list[NDArray[np.int64]]:
        """Return per layer the positions of all synapses of the neurons that go.

        Raises
        ------
        ParameterError, ShapeError
            If the wiring does not fit the layers, there is no hidden group, a gradient is missing,
            or rates do not fit.
        """
        groups = _Groups(layers, self.wiring)
        scores = groups.scores(self.score, self.rates)
        ranks = {group: _ranks(values, context.rng) for group, values in scores.items()}
        if isinstance(self.amount, Target):
            total = int(self.amount.counts(layers, context.step).sum())
            return groups.beyond(ranks, total)
        share = self.amount if isinstance(self.amount, float) else self.amount(context.step)
        return groups.lowest(ranks, scores, share)


class _Groups:
    """Layers of synapses, and the groups of neurons between which they lie."""

    def __init__(self, layers: Sequence[LayerView], wiring: Wiring | None) -> None:
        self.layers = layers
        self.wiring = _chain(layers) if wiring is None else wiring
        if len(self.wiring) != len(layers):
            raise ParameterError(f"wiring: got {len(self.wiring)} pairs for {len(layers)} layers")
        self.sizes: dict[Hashable, int] = {}
        for (source, target), layer in zip(self.wiring, layers, strict=True):
            for group, size in ((source, layer.n_pre), (target, layer.n_post)):
                if self.sizes.setdefault(group, size) != size:
                    raise ShapeError(
                        f"wiring: group {group!r} has {self.sizes[group]} neurons in one layer and "
                        f"{size} in another"
                    )
        between = [(source, target) for source, target in self.wiring if source != target]
        sources, targets = {s for s, _ in between}, {t for _, t in between}
        self.hidden = [group for group in self.sizes if group in sources and group in targets]
        if not self.hidden:
            raise ParameterError(
                "layers: no hidden group, with synapses from others and to others; there is no "
                "neuron to prune"
            )
        # rows and columns of a layer that stands by presynaptic row are the other way round
        self.ends = [
            (layer.rows, layer.indices) if layer.by_pre else (layer.indices, layer.rows)
            for layer in layers
        ]

    def scores(
        self, score: NeuronScore, rates: Callable[[], Rates] | None
    ) -> dict[Hashable, NDArray[np.float64]]:
        """Return the score of every hidden neuron; -inf where it has no synapse any more."""
        degrees = self._sums([np.ones(layer.n_active) for layer in self.layers], "both")
        if rates is not None:
            given = rates()
            sums = {group: self._rate(given, group) for group in self.hidden}
        elif score == "gradient":
            sums = self._sums([_sensitivity(layer) for layer in self.layers], "both")
        else:
            squares = [layer.weights.astype(np.float64) ** 2 for layer in self.layers]
            sums = self._sums(squares, score)
        return {g: np.where(degrees[g] > 0, sums[g], -np.inf) for g in self.hidden}

    def _rate(self, given: Rates, group: Hashable) -> NDArray[np.float64]:
        if group not in given:
            known = ", ".join(map(repr, given))
            raise ParameterError(f"rates: no entry for hidden group {group!r}; there are {known}")
        return check_vector(f"rates[{group!r}]", given[group], self.sizes[group], np.float64)

    def _sums(
        self, values: Sequence[NDArray[Any]], side: str
    ) -> dict[Hashable, NDArray[np.float64]]:
        """Sum what belongs to synapses over the neurons that these come from or go to."""
        sums = {group: np.zeros(size) for group, size in self.sizes.items()}
        for own, (pre, post), (source, target) in zip(values, self.ends, self.wiring, strict=True):
            if side != "fan_in":
                sums[source] += np.bincount(pre, own, self.sizes[source])
            if side != "fan_out":
                sums[target] += np.bincount(post, own, self.sizes[target])
        return sums

    def lowest(
        self,
        ranks: Mapping[Hashable, NDArray[np.int64]],
        scores: Mapping[Hashable, NDArray[np.float64]],
        share: float,
    ) -> list[NDArray[np.int64]]:
        """Return the synapses of a share of the neurons of every group that have any."""
        goes = {group: np.zeros(size, dtype=bool) for group, size in self.sizes.items()}
        for group in self.hidden:
            n_bare = int(np.count_nonzero(np.isneginf(scores[group])))
            n = n_bare + int(share * (self.sizes[group] - n_bare))
            goes[group] = ranks[group] < min(n, self.sizes[group] - 1)
        return [
            np.flatnonzero(goes[source][pre] | goes[target][post])
            for (pre, post), (source, target) in zip(self.ends, self.wiring, strict=True)
        ]

    def beyond(
        self, ranks: Mapping[Hashable, NDArray[np.int64]], n_synapses: int
    ) -> list[NDArray[np.int64]]:
        """Return the synapses of as few neurons as leave no more than ``n_synapses``."""
        levels = {group: np.full(size, np.inf) for group, size in self.sizes.items()}
        for group in self.hidden:
            levels[group] = np.where(
                ranks[group] < self.sizes[group] - 1, ranks[group] / self.sizes[group], np.inf
            )
        # a synapse goes with the first of its neurons to go
        own = [
            np.minimum(levels[source][pre], levels[target][post])
            for (pre, post), (source, target) in zip(self.ends, self.wiring, strict=True)
        ]
        together = np.concatenate(own)
        n_excess = together.size - n_synapses
        if n_excess <= 0:
            return [np.zeros(0, dtype=np.int64) for _ in own]
        last = np.partition(together, n_excess - 1)[n_excess - 1]
        return [np.flatnonzero((level <= last) & np.isfinite(level)) for level in own]


def _chain(layers: Sequence[LayerView]) -> Wiring:
    for number, (before, after) in enumerate(itertools.pairwise(layers)):
        if before.n_post != after.n_pre:
            raise ParameterError(
                f"wiring: layer {number} has {before.n_post} neurons and layer {number + 1} takes "
                f"{after.n_pre}; they are no chain, say which groups each connects"
            )
    return [(number, number + 1) for number in range(len(layers))]


def _sensitivity(layer: LayerView) -> NDArray[Any]:
    if layer.gradient is None:
        raise ParameterError(
            "score: 'gradient' needs the gradients of the loss, which there are only in training "
            "(neurosparse.train.Rewirer) after a backward pass"
        )
    sizes: NDArray[Any] = np.abs(layer.weights.astype(np.float64) * layer.gradient)
    return sizes


def _ranks(scores: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return 0 for the lowest; among equals chance decides."""
    ranks = np.empty(scores.size, dtype=np.int64)
    ranks[np.lexsort((rng.random(scores.size), scores))] = np.arange(scores.size)
    return ranks


def prune_neurons(
    network: Network,
    share: float,
    score: NeuronScore = "fan_in",
    *,
    rates: Rates | None = None,
    rng: np.random.Generator,
) -> Network:
    """Return a network without the synapses of the lowest-scored neurons of every population.

    Parameters
    ----------
    network : Network
        Its inputs, outputs and spike sources lose no neuron.
    share : float
        ``0 < share <= 1``, as of `Neurons`; every population keeps one neuron.
    score : {"fan_in", "fan_out", "rate"}
        As of `Neurons`.
    rates : mapping of str to (size,) array, optional [spikes per step]
        For ``score="rate"``: of the hidden populations, for example counted in a `simulate.Run`.
    rng : numpy.random.Generator
        Decides among equals.

    Returns
    -------
    Network
        Of the same populations; `compact` makes them smaller.

    Raises
    ------
    ParameterError, ShapeError
        As `Neurons`.

    Examples
    --------
    >>> from neurosparse import LIF, Population, Projection, Synapses
    >>> from neurosparse.sparsify.structure.compact import compact
    >>> net = Network(
    ...     {"in": Population(1), "hidden": Population(3, LIF()), "out": Population(1, LIF())},
    ...     [
    ...         Projection("in", "hidden", Synapses.all_to_all([[1.0], [-3.0], [2.0]])),
    ...         Projection("hidden", "out", Synapses.all_to_all([[1.0, 1.0, 1.0]])),
    ...     ],
    ... )
    >>> pruned = prune_neurons(net, 0.34, rng=np.random.default_rng(0))
    >>> pruned.projections[0].synapses.weights.tolist(), compact(pruned).populations["hidden"].size
    ([-3.0, 2.0], 2)
    """
    check_generator(rng)
    fixed = {*network.inputs, *network.outputs}
    fixed |= {name for name, p in network.populations.items() if p.neuron is None}
    # the ends of a fixed group stand apart, so that it is none that is fed and feeds on
    wiring: list[tuple[Hashable, Hashable]] = [
        (
            ("from", p.source) if p.source in fixed else p.source,
            ("to", p.target) if p.target in fixed else p.target,
        )
        for p in network.projections
    ]
    rule = Neurons(
        check_fraction("share", share),
        score,
        wiring=wiring,
        rates=None if rates is None else lambda: rates,
    )
    layers = [view_of(p, Newborn()) for p in network.projections]
    changes = {}
    for p, dropped in zip(network.projections, rule(layers, Context(0, rng)), strict=True):
        if dropped.size:
            marks = np.ones(p.synapses.n_active, dtype=bool)
            marks[dropped] = False
            changes[p.name] = keep_synapses(p.synapses, p.synapses.by_pre, marks)
    return network.with_synapses(changes)
