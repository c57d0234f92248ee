"""Recipes that exchange synapses for new ones: SET, DSR, RigL, and chance as their control."""

from __future__ import annotations

from neurosparse.network.checks import check_fraction
from neurosparse.sparsify.birth import NormalBirth
from neurosparse.sparsify.budget import SurvivorBudget
from neurosparse.sparsify.drop import RandomShare
from neurosparse.sparsify.grow import LargestGradient, Uniform
from neurosparse.sparsify.magnitude import AdaptiveThreshold, Smallest, SmallestBySign
from neurosparse.sparsify.schedules import Cosine, Schedule
from neurosparse.sparsify.scheme import Scheme

__all__ = ["dsr", "random_rewiring", "rigl", "set_"]


def set_(
    *, every: int, stop: int | None = None, share: float = 0.3, birth_std: float | None = 0.1
) -> Scheme:
    """SET, sparse evolutionary training: small weights go by sign, random ones come.

    After every period, in every layer, the share ``zeta`` of the positive weights closest to 0 goes
    and the share of the negative ones; as many synapses come, uniformly at random.

    Parameters
    ----------
    every : int [steps]
        Period; an epoch in the paper.
    stop : int, optional [steps]
        The last epoch ends without an exchange in the paper.
    share : float
        ``zeta``, 0.3 in the paper.
    birth_std : float, optional
        Newborns start as ``N(0, birth_std)``: 0.1 in the authors' code. None: at 0.

    Returns
    -------
    Scheme

    Notes
    -----
    State O(n_active). The paper starts from an Erdos-Renyi topology (`er_budget`). The authors'
    other defaults: learning rate 0.01, momentum 0.9, weight decay 2e-4.

    References
    ----------
    Mocanu et al.: Scalable training of artificial neural networks with adaptive sparse
    connectivity inspired by network science, Nature Communications 9:2383, 2018, algorithm 1.
    """
    return Scheme(
        "set",
        drop=SmallestBySign(share),
        grow=Uniform(),
        birth=None if birth_std is None else NormalBirth(birth_std),
        schedule=Schedule(every=every, stop=stop),
    )


def random_rewiring(*, every: int, stop: int | None = None, share: float = 0.3) -> Scheme:
    """Exchange a random share of every layer for random synapses at 0: the control of `set_`.

    Parameters
    ----------
    every : int [steps]
        Period.
    stop : int, optional [steps]
        First step without exchanges.
    share : float
        Of the synapses of a layer, ``0 < share <= 1``.

    Returns
    -------
    Scheme

    Notes
    -----
    State O(n_active).
    """
    return Scheme("random", drop=RandomShare(share), schedule=Schedule(every=every, stop=stop))


def dsr(
    *,
    every: int,
    stop: int | None = None,
    n: float = 0.1,
    threshold: float = 1e-3,
    tolerance: float = 0.1,
) -> Scheme:
    """DSR, dynamic sparse reparameterisation: one adaptive threshold, one budget for all layers.

    After every period all ``|w| < H`` go, ``H`` is doubled or halved where they were too few or too
    many, and layers grow in proportion to what survived in them, uniformly at random, at 0.

    Parameters
    ----------
    every : int [steps]
        Period; 100 to 800, growing with the epochs, in the authors' code.
    stop : int, optional [steps]
        First step without exchanges.
    n : float
        Wanted number of exchanges, ``K``; below 1 a share of the synapses. 600 in the authors' code
        for wide residual networks; for MNIST they give none, and 10 % is our choice.
    threshold : float
        First ``H``.
    tolerance : float
        ``delta``.

    Returns
    -------
    Scheme

    Notes
    -----
    State O(n_active) and one number. Positions just dropped are not taken again at once, as in the
    authors' code. Cheapest of the family: nothing is sorted.

    References
    ----------
    Mostafa & Wang: Parameter efficient training of deep convolutional neural networks by dynamic
    sparse reparameterization, ICML 2019, arXiv 1902.05967, algorithm 1.
    """
    return Scheme(
        "dsr",
        drop=AdaptiveThreshold(n, threshold=threshold, tolerance=tolerance),
        grow=Uniform(again=False),
        budget=SurvivorBudget(),
        schedule=Schedule(every=every, stop=stop),
    )


def rigl(*, n_steps: int, every: int = 100, share: float = 0.3, until: float = 0.75) -> Scheme:
    """RigL: the smallest weights go, those with the largest gradient come.

    After every period the share ``f(t) = share/2 (1 + cos(pi t / T_end))`` of the smallest ``|w|``
    of every layer goes, and as many come where ``|dL/dw|`` is largest, at 0.

    Parameters
    ----------
    n_steps : int
        Steps of the whole training.
    every : int [steps]
        Period, ``delta T``.
    share : float
        ``alpha``.
    until : float
        ``T_end`` as a share of ``n_steps``.

    Returns
    -------
    Scheme

    Raises
    ------
    ParameterError
        If a share is not in (0, 1].

    Notes
    -----
    State O(n_active): of the gradient of dormant synapses, found block by block of rows in the
    steps that end in an exchange, only the ``n_active`` largest are kept at any time (12 bytes
    each). Time O(n_potential) in those steps. The authors' code skips the weight step when it
    exchanges; here it is taken. Gradients are those of the whole step: of all uses of a layer, as
    in a loop over time, and of all backward passes since the last step.

    References
    ----------
    Evci, Gale, Menick, Castro, Elsen: Rigging the Lottery, ICML 2020, arXiv 1911.11134,
    algorithm 1.
    """
    stop = max(1, round(check_fraction("until", until) * n_steps))
    return Scheme(
        "rigl",
        drop=Smallest(Cosine(check_fraction("share", share), stop)),
        grow=LargestGradient(),
        schedule=Schedule(every=every, stop=stop),
    )
