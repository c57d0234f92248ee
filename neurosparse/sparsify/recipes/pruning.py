"""Recipes that start full and prune; storage shrinks with the synapses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count
from neurosparse.sparsify.budget import NoRegrowth, UpTo
from neurosparse.sparsify.magnitude import Beyond
from neurosparse.sparsify.schedules import Polynomial, Schedule, Stairs
from neurosparse.sparsify.scheme import Scheme
from neurosparse.sparsify.significance import GeneralizationLoss
from neurosparse.sparsify.target import Target

__all__ = ["dsd", "gmp", "iht", "lprune", "one_shot", "random_pruning"]

Final = float | Sequence[int]  # density of every layer, or synapses of every layer


def gmp(
    final: Final,
    *,
    start: int,
    stop: int,
    every: int = 100,
    power: float = 3.0,
    pooled: bool = False,
) -> Scheme:
    """GMP, gradual magnitude pruning: sparsity rises along a cubic, small weights go for good.

    ``s(t) = s_f (1 - (1 - (t - t0)/(t1 - t0))^power)``.

    Parameters
    ----------
    final : float or sequence of int
        Density, or synapses of every layer, at the end.
    start, stop : int [steps]
        ``t0`` and ``t1``.
    every : int [steps]
        Period.
    power : float
        3 in the paper.
    pooled : bool
        Whether one threshold rules all layers; else each has its own number.

    Returns
    -------
    Scheme

    Notes
    -----
    Starts full: state O(n_potential) in the beginning, O(n_active) in the end, as what is pruned is
    no longer stored.

    References
    ----------
    Zhu & Gupta: To prune, or not to prune, 2017, arXiv 1710.01878, equation 1.
    """
    target = Target(final, Polynomial(start, stop, power))
    return Scheme(
        "gmp",
        drop=Beyond(target, pooled=pooled),
        budget=NoRegrowth(),
        schedule=Schedule(every=every, start=start, stop=stop + every),
    )


def one_shot(final: Final, *, at: int, pooled: bool = False) -> Scheme:
    """One-shot magnitude pruning: at a step the largest ``|w|`` stay, and are trained on.

    Parameters
    ----------
    final : float or sequence of int
        Density, or synapses of every layer, that stay.
    at : int [steps]
        When.
    pooled : bool
        As in `gmp`.

    Returns
    -------
    Scheme

    Notes
    -----
    Starts full; see `gmp` for the state.

    References
    ----------
    Han, Pool, Tran, Dally: Learning both weights and connections, NeurIPS 2015, arXiv 1506.02626,
    with one round of pruning.
    """
    return _at_once("one_shot", final, at, "magnitude", pooled=pooled)


def random_pruning(final: Final, *, at: int) -> Scheme:
    """Prune at random at a step: the control of `one_shot`.

    Parameters
    ----------
    final, at
        As in `one_shot`.

    Returns
    -------
    Scheme
    """
    return _at_once("random_pruning", final, at, "random")


def _at_once(
    name: str,
    final: Final,
    at: int,
    score: Literal["magnitude", "random"],
    *,
    pooled: bool = False,
) -> Scheme:
    target = Target(final, Stairs([(check_count("at", at), 1.0)]))
    return Scheme(
        name,
        drop=Beyond(target, score, pooled=pooled),
        budget=NoRegrowth(),
        schedule=Schedule(start=at, stop=at + 1),
    )


def iht(final: Final, *, sparse_steps: int, dense_steps: int, n_steps: int) -> Scheme:
    """IHT: phases with the largest weights only, and phases with all of them, in turns.

    A phase begins with the smallest ``|w|`` of every layer going; the rest is trained for
    ``sparse_steps``. Then all others come back at 0, and all are trained for ``dense_steps``. The
    last phase is a sparse one.

    Parameters
    ----------
    final : float or sequence of int
        Density, or synapses of every layer, of the sparse phases.
    sparse_steps, dense_steps : int
        Lengths of the phases. The paper's are not known to us.
    n_steps : int
        Steps of the whole training; it begins with a dense phase, and the last dense phase ends
        ``sparse_steps`` before its end at the latest.

    Returns
    -------
    Scheme

    Raises
    ------
    ParameterError
        If not even one dense and one sparse phase fit in.

    Notes
    -----
    State O(n_potential) in dense phases.

    References
    ----------
    Jin, Yuan, Feng, Yan: Training skinny deep neural networks with iterative hard thresholding
    methods, 2016, arXiv 1607.05423.
    """
    sparse, dense = (
        check_count(name, value, least=1)
        for name, value in (("sparse_steps", sparse_steps), ("dense_steps", dense_steps))
    )
    if n_steps < sparse + dense:
        raise ParameterError(
            f"n_steps: got {n_steps}; allowed is >= sparse_steps + dense_steps = {sparse + dense}"
        )
    stairs = []
    at = dense
    while at + sparse <= n_steps:
        stairs.append((at - 1, 1.0))  # after this step the weights are cut
        if at + 2 * sparse + dense > n_steps:
            break
        stairs.append((at + sparse - 1, 0.0))
        at += sparse + dense
    return _phases("iht", final, stairs)


def dsd(final: Final, *, sparse_from: int, dense_from: int) -> Scheme:
    """DSD: train all, prune once and train the rest, let all come back at 0 and train on.

    Parameters
    ----------
    final : float or sequence of int
        Density, or synapses of every layer, of the sparse phase; 50 to 75 % in the paper.
    sparse_from, dense_from : int [steps]
        When the sparse phase begins, and when it ends.

    Returns
    -------
    Scheme

    Raises
    ------
    ParameterError
        If the phases are not in order.

    Notes
    -----
    The network ends dense: a regulariser, not a compression. The paper lowers the learning rate to
    a tenth in the last phase; give the optimiser such a schedule. State O(n_potential) but in the
    sparse phase.

    References
    ----------
    Han et al.: DSD: dense-sparse-dense training for deep neural networks, ICLR 2017,
    arXiv 1607.04381.
    """
    if not 0 <= sparse_from < dense_from:
        raise ParameterError(
            f"sparse_from, dense_from: got {sparse_from}, {dense_from}; allowed is "
            "0 <= sparse_from < dense_from"
        )
    return _phases("dsd", final, [(sparse_from, 1.0), (dense_from, 0.0)])


def _phases(name: str, final: Final, stairs: Sequence[tuple[int, float]]) -> Scheme:
    target = Target(final, Stairs(stairs))
    return Scheme(name, drop=Beyond(target), budget=UpTo(target))


def lprune(
    final: Final,
    *,
    n_patterns: int,
    stop: int,
    most: float = 2 / 3,
    a: float = 2.0,
    trigger: float = 0.0,
    score: Literal["significance", "magnitude"] = "significance",
) -> Scheme:
    r"""lprune: the more the network overfits, the more it is pruned (Prechelt).

    After every epoch in which the validation loss has risen above its least value, synapses with a
    significance ``T < lambda mean(T)`` go for good, ``lambda = most (1 - 1/(1 + a GL))``; see
    `GeneralizationLoss`.

    Parameters
    ----------
    final : float or sequence of int
        Least density, or synapses of every layer; the smallest ``|w|`` beyond go at ``stop``.
        Prechelt's rule has no such parameter and ends where it ends; a comparison at equal density
        needs it.
    n_patterns : int
        Training samples.
    stop : int [steps]
        End of pruning.
    most, a, trigger, score
        As in `GeneralizationLoss`.

    Returns
    -------
    Scheme

    Notes
    -----
    Needs a validation set. Starts full; see `gmp` for the state. Mean and variance of the gradient
    over patterns come from Adam's moments over mini-batches, not from all patterns of an epoch.

    References
    ----------
    Prechelt: Connection pruning with static and adaptive pruning schedules, Neurocomputing
    16:49-61, 1997.
    """
    target = Target(final, Stairs([(check_count("stop", stop), 1.0)]))
    rule = GeneralizationLoss(target, n_patterns, most=most, a=a, trigger=trigger, score=score)
    return Scheme("lprune", drop=rule, budget=NoRegrowth(), schedule=Schedule(stop=stop + 1))
