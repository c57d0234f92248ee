"""Recipes that prune neurons, and prune or rewire blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from neurosparse.sparsify.budget import LayerBudget, NoRegrowth
from neurosparse.sparsify.schedules import Polynomial, Schedule
from neurosparse.sparsify.scheme import Scheme
from neurosparse.sparsify.signs import RandomSigns, SignRule
from neurosparse.sparsify.structure.blocks import Blocks, BlockShape, UniformBlocks
from neurosparse.sparsify.structure.neurons import Neurons, NeuronScore, Rates, Wiring
from neurosparse.sparsify.target import Target

__all__ = ["block_pruning", "block_rewiring", "neuron_pruning"]


def neuron_pruning(
    final: float | Sequence[int],
    *,
    start: int,
    stop: int,
    every: int = 100,
    score: NeuronScore = "fan_in",
    wiring: Wiring | None = None,
    rates: Callable[[], Rates] | None = None,
) -> Scheme:
    r"""Prune hidden neurons gradually, along the cubic schedule of gradual magnitude pruning.

    Every ``every`` steps from ``start`` to ``stop`` the lowest-scored neurons lose all their
    synapses, so many that no more than ``n(t) = N - (N - n_final) (1 - (1 - progress)^3)`` synapses
    are left. Layers start full and become smaller: `neurosparse.train.compact_model` takes
    the neurons out.

    Parameters
    ----------
    final : float or sequence of int
        Density, or synapses per layer, at the end; only the sum over layers counts.
    start, stop, every : int [steps]
        Schedule.
    score, wiring, rates
        As of `Neurons`.

    Returns
    -------
    Scheme

    Notes
    -----
    State O(n_active), nothing beside the synapses. The number at the end is at most the wanted one,
    short of it by less than a neuron of every layer, but for the neuron that every layer keeps.

    References
    ----------
    Hoefler et al. 2021 (arXiv 2102.00554), on neurons as what is pruned; Zhu & Gupta 2017 (arXiv
    1710.01878), equation 1, for the schedule. Lasby et al. 2023 (SRigL, arXiv 2305.02299) find that
    sparse training at high sparsity ablates neurons by itself.
    """
    return Scheme(
        "neuron_pruning",
        drop=Neurons(Target(final, Polynomial(start, stop)), score, wiring=wiring, rates=rates),
        budget=NoRegrowth(),
        schedule=_until(start, stop, every),
    )


def block_pruning(
    final: float | Sequence[int],
    shape: BlockShape | Sequence[BlockShape],
    *,
    start: int,
    stop: int,
    every: int = 100,
) -> Scheme:
    """Prune whole blocks gradually by their mean magnitude, along the same cubic schedule.

    Parameters
    ----------
    final : float or sequence of int
        Density, or synapses per layer, at the end; each layer ends with as many whole blocks as fit
        into its number, one at least.
    shape : (int, int) or sequence of (int, int)
        As of `Blocks`.
    start, stop, every : int [steps]
        Schedule.

    Returns
    -------
    Scheme

    Notes
    -----
    State O(n_active), nothing beside the synapses.

    References
    ----------
    Narang et al. 2017 (arXiv 1711.02782), block-sparse pruning; Zhu & Gupta 2017 (arXiv
    1710.01878), equation 1; mean magnitude as score as in Mostafa & Wang 2019 (arXiv 1902.05967).
    """
    return Scheme(
        "block_pruning",
        drop=Blocks(shape, Target(final, Polynomial(start, stop))),
        budget=NoRegrowth(),
        schedule=_until(start, stop, every),
    )


def block_rewiring(
    shape: BlockShape,
    *,
    share: float = 0.3,
    every: int = 100,
    stop: int | None = None,
    signs: SignRule | None = None,
) -> Scheme:
    """Exchange blocks as SET exchanges synapses: the weakest go, as many come at random.

    Parameters
    ----------
    shape : (int, int)
        Of a block; it has to divide every layer.
    share : float
        ``zeta``, share of the blocks of every layer that go, ``0 < zeta <= 1``.
    every : int [steps]
        Period; SET exchanges once an epoch.
    stop : int, optional [steps]
        First step after which there is no exchange any more.
    signs : SignRule, optional
        Default: drawn at birth.

    Returns
    -------
    Scheme

    Notes
    -----
    Layers have to be made of whole blocks from the beginning: `neurosparse.train.arrange_in_blocks`
    or `block_keys`. Every layer keeps its number of blocks, and so of synapses, exactly. Newborns
    start at 0. State O(n_active); no dense gradient.

    References
    ----------
    Mocanu et al. 2018 (SET), Nature Communications 9:2383, for the exchange; Mostafa & Wang 2019
    (DSR, arXiv 1902.05967), who rewire whole kernels by their mean magnitude.
    """
    return Scheme(
        "block_rewiring",
        drop=Blocks(shape, share),
        grow=UniformBlocks(shape),
        budget=LayerBudget(),
        signs=signs or RandomSigns(),
        schedule=Schedule(every, stop=stop),
    )


def _until(start: int, stop: int, every: int) -> Schedule:
    """Return exchanges from ``start`` on, the last of them when the curve has come to its end."""
    return Schedule(every, start, stop + every)
