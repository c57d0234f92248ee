"""Recipes that keep dense state in every step: soft-DEEP R, SNFS, DPF, DNW, LC.

None of them is sparse training: weights, gradients and the optimiser's slots of all potential
synapses are kept and updated throughout. Only the network that a step runs is sparse (in LC, not
before the end).
"""

from __future__ import annotations

from collections.abc import Sequence

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count, check_fraction
from neurosparse.sparsify.masks.lagrangian import Compression, Lagrangian, LargestValues
from neurosparse.sparsify.masks.momentum import MomentumExchange
from neurosparse.sparsify.masks.scheme import (
    DrawMask,
    KeepLargest,
    MaskScheme,
    RequireFull,
    clear_masked,
)
from neurosparse.sparsify.masks.walk import SoftWalk
from neurosparse.sparsify.schedules import Cosine, Polynomial, Schedule, Stairs
from neurosparse.sparsify.target import Target

__all__ = ["dnw", "dpf", "lc", "snfs", "soft_deep_r"]

Final = float | Sequence[int]  # density of every layer, or synapses of every layer

_AT_ONCE = Stairs([(0, 1.0)])  # a curve that is at its end from the first step on


def soft_deep_r(final: Final, *, l1: float = 1e-5, temperature: float = 2.5e-12) -> MaskScheme:
    r"""Soft-DEEP R: DEEP R without a hard budget; dormant parameters walk at random.

    ``w = s max(theta, 0)``. In every step, for all ``theta`` of a layer:
    ``theta += sqrt(2 eta T) nu``; where ``theta > 0`` also ``-eta dE/dtheta - eta alpha``; then
    ``theta = max(theta, theta_min)`` with ``theta_min = -T (1 - p) / (alpha p)``, which makes ``p``
    the expected density under the prior. There is no regrowth: the walk brings synapses back.

    Parameters
    ----------
    final : float or sequence of int
        Expected density of every layer, or expected synapses of every layer: ``p``.
    l1 : float
        ``alpha``; the reference script uses 1e-5.
    temperature : float
        ``T``. The reference script's noise equals 2.5e-12 at its learning rate of 0.05.

    Returns
    -------
    MaskScheme

    Notes
    -----
    The density holds in the mean only, under the prior: the loss and a walk too slow for the
    training move it. A synapse wanders back in some ``theta_min^2 / (2 eta T)`` steps. The number
    of synapses after every epoch is in the history; it is what counts.

    State DENSE: ``theta`` and sign of every potential synapse, and the optimiser's slots. A
    dormant ``theta`` is moved by noise alone: the optimiser leaves it, and its state is fresh when
    it wakes. In full layers each synapse starts active with probability ``p`` (in the reference
    half as many, as it draws ``theta`` of either sign); the rest is uniform between ``theta_min``
    and 0. Layers given sparse keep their synapses.

    References
    ----------
    Bellec, Kappel, Maass, Legenstein: Deep Rewiring, ICLR 2018, arXiv 1711.05136, algorithm 2 and
    their reference script.
    """
    target = Target(final, _AT_ONCE)
    walk = SoftWalk(target, l1, temperature)
    return MaskScheme(
        "soft_deep_r",
        choose=walk,
        start=(DrawMask(target, exactly=False), walk.scatter),
        reach="active",
    )


def snfs(
    final: Final, *, n_steps: int, every: int, rate: float = 0.5, last_rate: float = 0.005
) -> MaskScheme:
    """SNFS, sparse momentum: small weights go, the dense momentum says where new ones come.

    After every period ``ceil(rate n)`` of the ``n`` smallest ``|w|`` of each layer go. As many come
    in all layers together, shared out by the mean ``|momentum|`` of active weights, where
    ``|momentum|`` of masked ones is largest. ``rate`` falls to ``last_rate`` along half a cosine.

    Parameters
    ----------
    final : float or sequence of int
        Density of every layer, or synapses of every layer, at the start; their sum is kept.
    n_steps : int
        Steps of the whole training; the last one exchanges nothing.
    every : int [steps]
        Period; an epoch in the paper.
    rate : float
        First share that goes, 0.5 in the authors' code.
    last_rate : float
        Last share, 0.005 there.

    Returns
    -------
    MaskScheme

    Notes
    -----
    The total is kept exactly: the authors' code rounds up in every layer, and its density drifts,
    a known complaint that is corrected here. See `MomentumExchange` for the rest of the rule.

    State DENSE: the gradient and the momentum of every potential synapse in every step (SGD with
    momentum, or Adam's moments, ``m / (sqrt(v) + 1e-8)``; without either, the gradient of the
    step). Masked weights are 0 after every step. Their momentum is not reset after an exchange
    (the authors' code sets it to the mean of the active ones).

    The authors' other defaults for MNIST: learning rate 0.1, momentum 0.9, weight decay 5e-4, batch
    100, 100 epochs.

    References
    ----------
    Dettmers & Zettlemoyer: Sparse networks from scratch, 2019, arXiv 1907.04840, algorithm 1;
    github.com/TimDettmers/sparse_learning.
    """
    curve = Cosine(check_fraction("rate", rate), n_steps, check_fraction("last_rate", last_rate))
    return MaskScheme(
        "snfs",
        choose=MomentumExchange(curve),
        schedule=Schedule(every=every, stop=n_steps - 1),
        start=(DrawMask(Target(final, _AT_ONCE)),),
        move=clear_masked,
    )


def dpf(
    final: Final, *, n_steps: int, every: int = 16, until: float = 0.75, pooled: bool = True
) -> MaskScheme:
    """DPF, dynamic pruning with feedback: dense weights learn from the masked network.

    ``w -= eta grad L(m w)`` for all ``w``. The mask, the largest ``|w|``, is taken anew after every
    period, with sparsity ``s(t) = s_f (1 - (1 - t/T)^3)``; from ``T`` on it stays.

    Parameters
    ----------
    final : float or sequence of int
        Density of every layer, or synapses of every layer, at the end.
    n_steps : int
        Steps of the whole training.
    every : int [steps]
        Period, 16 in the paper.
    until : float
        ``T`` as a share of ``n_steps``, 0.75 in the paper. It is moved to the last exchange before,
        so that this one has exactly the final number.
    pooled : bool
        Whether one threshold rules all layers, as in the paper; every layer keeps its largest
        weight. Else each has its own number.

    Returns
    -------
    MaskScheme

    Raises
    ------
    ParameterError
        If training is too short for an exchange.

    Notes
    -----
    State DENSE: weights, gradients and the optimiser's slots of every potential synapse, in every
    step. Starts full; the number of synapses falls to the final one until ``T``.

    References
    ----------
    Lin, Stich, Barba, Dmitriev, Jaggi: Dynamic model pruning with feedback, ICLR 2020, arXiv
    2006.07253, algorithm 1; there is no official code, and details are those of
    github.com/INCHEON-CHO/Dynamic_Model_Pruning_with_Feedback.
    """
    check_count("n_steps", n_steps, least=1)
    schedule = Schedule(every=every, stop=int(check_fraction("until", until) * n_steps))
    last = (schedule.stop or 0) // every * every - 1  # the last step with an exchange
    if last < 1:
        raise ParameterError(
            f"n_steps: got {n_steps}; allowed is >= {every / until:.0f}, or there is no exchange "
            f"every {every} steps within {until:g} of them"
        )
    return MaskScheme(
        "dpf",
        choose=KeepLargest(Target(final, Polynomial(0, last)), pooled=pooled),
        schedule=schedule,
        start=(RequireFull("dpf"),),
    )


def dnw(final: Final) -> MaskScheme:
    """DNW, discovering neural wirings: in every step, the largest ``|w|`` of each layer exist.

    ``y = (m w) x`` with ``m`` the top-k of ``|w|``; ``w -= eta dL/d(m w)`` for all ``w``. An edge
    comes where a masked ``|w|`` overtakes the smallest that exists.

    Parameters
    ----------
    final : float or sequence of int
        Density of every layer, or synapses of every layer; exact from before the first step on.

    Returns
    -------
    MaskScheme

    Notes
    -----
    State DENSE: weights, gradients and the optimiser's slots of every potential synapse, in every
    step. Equals `dpf` with a period of one step and the final sparsity from the start, per layer.

    References
    ----------
    Wortsman, Farhadi, Rastegari: Discovering neural wirings, NeurIPS 2019, arXiv 1906.00586,
    equation 5; github.com/allenai/dnw (``ChooseTopEdges``).
    """
    keep = KeepLargest(Target(final, _AT_ONCE))
    return MaskScheme("dnw", choose=keep, start=(RequireFull("dnw"), keep))


def lc(
    final: Final | Compression,
    *,
    n_steps: int,
    n_stages: int = 40,
    dense: float = 0.2,
    pull: float = 0.1,
    growth: float = 1.1,
    mu: float | None = None,
    pooled: bool = True,
) -> MaskScheme:
    r"""LC, learning-compression: ``min L(w)`` so that ``w = theta``, ``||theta||_0 <= k``.

    By an augmented Lagrangian, in stages of rising ``mu``. L step: train on
    ``L(w) + mu/2 ||w - theta - lambda/mu||^2``. C step: ``theta`` is the top-k of
    ``w - lambda/mu``; then ``lambda -= mu (w - theta)``. At the end ``w = theta``.

    Parameters
    ----------
    final : float, sequence of int, or Compression
        Density of every layer, or synapses of every layer, at the end; or `HardThreshold` (penalty
        L0) or `SoftThreshold` (penalty L1), which find out how many.
    n_steps : int
        Steps of the whole training: its last step ends with ``w = theta``, so that an evaluation
        after the last epoch sees the sparse network, and one before sees a dense one.
    n_stages : int
        Number of L and C steps, 40 in the authors' example.
    dense : float
        Share of the steps that train the reference network, before the first compression.
    pull : float
        ``eta mu_0 period``: how strongly an L step of the first stage draws weights to ``theta``,
        whatever its length. The authors' LeNet-300-100 has 0.04 (learning rate 0.1, ``mu_0`` =
        9e-5, 20 epochs of 235 steps), through a momentum of 0.9, which makes it 0.4. In our short
        trainings on digits 0.1 was best of 0.01 to 0.4, with SGD and with Adam: below, weights have
        not come to ``theta`` when the end puts them there; above, they come too early.
    growth : float
        Of ``mu`` from stage to stage, 1.1 there.
    mu : float, optional
        ``mu_0``, instead of ``pull``.
    pooled : bool
        Whether layers share one ``k``, as in the paper.

    Returns
    -------
    MaskScheme

    Notes
    -----
    State DENSE, and more than any other: weights, gradients, the optimiser's slots, ``theta`` and
    ``lambda`` of every potential synapse. The network that learns is dense until the last step;
    `History` says so. Train with ``fit(..., keep="last")``: an earlier epoch is not compressed.

    The penalty is applied beside the optimiser, not through its momentum or Adam's scaling; see
    `Lagrangian`.

    References
    ----------
    Carreira-Perpinan & Idelbayev: "Learning-compression" algorithms for neural net pruning, CVPR
    2018, figure 2; github.com/UCMerced-ML/LC-model-compression.
    """
    compress = final
    if not callable(compress):
        compress = LargestValues(Target(compress, _AT_ONCE), pooled=pooled)
    turns = Lagrangian(
        compress,
        n_steps=n_steps,
        n_stages=n_stages,
        dense=dense,
        pull=pull,
        growth=growth,
        mu=mu,
    )
    return MaskScheme(
        "lc",
        choose=turns.close,
        schedule=turns.schedule,
        start=(RequireFull("lc"),),
        move=turns.learn,
    )
