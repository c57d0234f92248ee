"""Recipes that sample connectivity by noise and prior: DEEP R and its relatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from neurosparse.sparsify.budget import GlobalBudget, LayerBudget
from neurosparse.sparsify.drop import SignChange
from neurosparse.sparsify.noise import Langevin
from neurosparse.sparsify.scheme import Scheme
from neurosparse.sparsify.signs import RandomSigns, SignRule

__all__ = ["bayesian_connectivity", "deep_r", "deep_r_global", "static"]


def deep_r(
    *, l1: float = 1e-5, temperature: float = 2.5e-11, signs: SignRule | None = None
) -> Scheme:
    r"""DEEP R: stochastic sampling of connectivity under a hard budget per layer.

    After every optimiser step, for active synapses ``w = s theta``: ``theta -= eta l1``,
    ``theta += sqrt(2 eta T) nu``; a synapse with ``theta < 0`` goes dormant and a uniformly drawn
    dormant one becomes active at ``theta = 0``, so that every layer keeps its number exactly.

    Parameters
    ----------
    l1 : float
        Strength ``alpha`` of the L1 prior. The reference script uses 1e-5.
    temperature : float
        ``T``. The reference script's noise, ``N(0, 1e-5)`` times the learning rate, equals 2.5e-11
        at its learning rate of 0.5 (``lr gdnoise^2 / 2``).
    signs : SignRule, optional
        Default: drawn at birth.

    Returns
    -------
    Scheme

    Notes
    -----
    State O(n_active): indices, weights, one sign per synapse, optimiser slots. No dense gradient,
    mask or bitmap. Unlike the sparse variant of the reference script, newborns at exactly 0 stay
    until they have moved, and no position is ever taken twice.

    References
    ----------
    Bellec, Kappel, Maass, Legenstein: Deep Rewiring, ICLR 2018, arXiv 1711.05136, algorithm 1.
    """
    return Scheme(
        "deep_r",
        drop=SignChange(),
        budget=LayerBudget(),
        noise=Langevin(l1, temperature),
        signs=signs or RandomSigns(),
    )


def deep_r_global(
    *,
    l1: float = 1e-5,
    temperature: float = 2.5e-11,
    shares: Sequence[float] | Literal["start"] | None = "start",
    signs: SignRule | None = None,
) -> Scheme:
    """DEEP R with one budget for all layers; densities drift to where synapses survive.

    Parameters
    ----------
    l1, temperature, signs
        As in `deep_r`.
    shares : sequence of float, "start" or None
        As in `GlobalBudget`; default the densities of the layers at the start, as in the reference
        script.

    Returns
    -------
    Scheme

    References
    ----------
    Bellec et al. 2018, section 2; see `GlobalBudget` for the split.
    """
    return Scheme(
        "deep_r_global",
        drop=SignChange(),
        budget=GlobalBudget(shares),
        noise=Langevin(l1, temperature),
        signs=signs or RandomSigns(),
    )


def bayesian_connectivity(
    *,
    l2: float = 5e-4,
    temperature: float = 5e-14,
    shares: Sequence[float] | None = None,
    signs: SignRule | None = None,
) -> Scheme:
    r"""Bayesian connectivity sampling: DEEP R under one budget, with a Gaussian prior.

    ``theta -= eta l2 theta`` and ``theta += sqrt(2 eta T) nu``; what crosses zero goes dormant, and
    as many are drawn over all layers, in proportion to their size, at ``theta = 0``. It was made
    for robust losses: train it with `neurosparse.train.AdversarialTraining` or `TRADES`.

    Parameters
    ----------
    l2 : float
        Decoupled weight decay. 5e-4 in the reference code, 1e-3 for ResNet-50.
    temperature : float
        ``T``. The reference code's noise of ``N(0, 1e-6)`` times the learning rate equals ``5e-14``
        at its learning rate of 0.1.
    shares : sequence of float, optional
        As in `GlobalBudget`; default 1 for each layer, as in the reference code.
    signs
        As in `deep_r`.

    Returns
    -------
    Scheme

    Notes
    -----
    State O(n_active), as of `deep_r`; the authors' code keeps dense parameters and signs.

    References
    ----------
    Ozdenizci & Legenstein: Training Adversarially Robust Sparse Networks via Bayesian Connectivity
    Sampling, ICML 2021, PMLR 139:8314-8324, algorithm 1.
    """
    return Scheme(
        "bayesian_connectivity",
        drop=SignChange(),
        budget=GlobalBudget(shares),
        noise=Langevin(temperature=temperature, l2=l2),
        signs=signs or RandomSigns(),
    )


def static() -> Scheme:
    """Keep the connectivity that was drawn at the start: the control every scheme must beat.

    Returns
    -------
    Scheme

    Notes
    -----
    State O(n_active).
    """
    return Scheme("static")
