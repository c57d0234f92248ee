"""Objectives of adversarial training: each batch is attacked before the step learns from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_fraction
from neurosparse.train.objective import Assessment, Batch
from neurosparse.train.packed import PackedSpikes
from neurosparse.train.robustness.attacks import PGD, Attack
from neurosparse.train.robustness.image_input import encode_images, undisturbed

__all__ = ["MART", "TRADES", "AdversarialTraining"]

# of MART's published code: keep logarithms finite where a probability is 1
_ALMOST_ONE = 1.0001
_TINY = 1e-12


@dataclass(frozen=True)
class AdversarialTraining:
    r"""Learn from attacked images (AT), or from a mixture of clean and attacked ones (mixed AT).

    Minimises ``alpha L(f(x), y) + (1 - alpha) L(f(x'), y)``: a share ``alpha`` of every batch
    stays clean, the rest is attacked.

    Parameters
    ----------
    attack : Attack
        How ``x'`` is found: `PGD`, usually with fewer steps than in the evaluation.
    alpha : float
        Share of the batch that stays clean, ``0 <= alpha < 1``; 0 is plain AT.

    Raises
    ------
    ParameterError
        If a parameter is out of range.

    Notes
    -----
    ``L`` is the loss of `fit`; the attack raises the cross entropy, with the model in evaluation
    mode. Training accuracy is that on the mixture. Cost: the attack's passes on top of the step's.

    References
    ----------
    Madry et al. 2018, arXiv 1706.06083, equation 2.1 (AT). Goodfellow et al. 2015,
    arXiv 1412.6572, section 6 (the mixture). Splitting the batch, instead of passing all of it
    twice, as in the code of Ozdenizci and Legenstein 2021 (their ``mat``, half and half).
    """

    attack: Attack
    alpha: float = 0.0

    def __post_init__(self) -> None:
        _check_attack(self.attack)
        alpha = check_fraction("alpha", self.alpha, open_below=False)
        if alpha == 1:
            raise ParameterError(f"alpha: got {self.alpha!r}; allowed is 0 <= alpha < 1")
        object.__setattr__(self, "alpha", alpha)

    def __call__(self, batch: Batch) -> Assessment:
        """Assess the attacked batch."""
        images, labels = batch.images, batch.labels
        n_clean = round(self.alpha * len(images))
        if n_clean < len(images):
            images[n_clean:] = self.attack(
                batch.model,
                images[n_clean:],
                labels[n_clean:],
                encoding=batch.encoding,
                rng=batch.rngs["attack"],
            )
        logits, spikes = batch.answer(images.numpy())
        return Assessment(batch.loss(logits, labels), logits, spikes)


@dataclass(frozen=True)
class TRADES:
    r"""Trade accuracy off against robustness: let answers not change under attack.

    Minimises ``L(f(x), y) + beta mean_i KL(p(x_i) || p(x'_i))``, ``p`` being the softmax of the
    logits; ``x'`` is where the divergence from ``p(x)`` is large, whatever the label.

    Parameters
    ----------
    attack : PGD
        With a random start: at ``x`` itself the divergence is 0 and has no slope.
    beta : float
        Weight of robustness, > 0.

    Raises
    ------
    ParameterError
        If a parameter is out of range.

    Notes
    -----
    ``L`` is the loss of `fit`. Training accuracy is that on clean images; regularisers and counts
    of events see clean and attacked ones, in one batch. The start is uniform within ``eps`` (our
    choice; the published code starts from ``N(0, 0.001)``).

    References
    ----------
    Zhang, Yu, Jiao, Xing, El Ghaoui, Jordan: Theoretically principled trade-off between robustness
    and accuracy, ICML 2019, arXiv 1901.08573, equation 5.
    """

    attack: Attack
    beta: float = 6.0

    def __post_init__(self) -> None:
        _check_attack(self.attack)
        if not self.attack.random_start:
            raise ParameterError(
                f"attack: got {self.attack}; TRADES needs PGD with random_start=True, since the "
                "divergence from the clean answer has no slope at the clean image"
            )
        object.__setattr__(self, "beta", _check_beta(self.beta))

    def __call__(self, batch: Batch) -> Assessment:
        """Assess the batch, clean and attacked."""
        logits, changed, spikes = _answer_both(batch, self._attacked(batch))
        loss = batch.loss(logits, batch.labels) + self.beta * _divergence(logits, changed).mean()
        return Assessment(loss, logits, spikes)

    def _attacked(self, batch: Batch) -> Tensor:
        def answer(x: Tensor) -> Tensor:
            logits: Tensor = batch.model(encode_images(x, batch.encoding, batch.rngs["attack"]))
            return logits

        images = batch.images
        with undisturbed(batch.model):
            with torch.no_grad():
                clean = answer(images)
            return self.attack.climb(
                lambda x: _divergence(clean, answer(x)).sum(), images, batch.rngs["attack"]
            )


@dataclass(frozen=True)
class MART:
    r"""Misclassification-aware adversarial training: care most where clean images are wrong.

    Minimises the mean over samples, with ``p`` the softmax of the logits, of::

        -log p_y(x') - log(1 - max_{k != y} p_k(x')) + beta KL(p(x) || p(x')) (1 - p_y(x))

    Parameters
    ----------
    attack : Attack
        How ``x'`` is found.
    beta : float
        Weight of the last term, > 0.

    Raises
    ------
    ParameterError
        If a parameter is out of range.

    Notes
    -----
    Has a loss of its own: that of `fit` is not used. Training accuracy is that on clean images;
    regularisers and counts of events see clean and attacked ones, in one batch.

    References
    ----------
    Wang, Zou, Yi, Bailey, Ma, Gu: Improving adversarial robustness requires revisiting
    misclassified examples, ICLR 2020, equations 9 to 11; ``beta = 6`` and the small numbers that
    keep logarithms finite as in the code of Ozdenizci and Legenstein 2021.
    """

    attack: Attack
    beta: float = 6.0

    def __post_init__(self) -> None:
        _check_attack(self.attack)
        object.__setattr__(self, "beta", _check_beta(self.beta))

    def __call__(self, batch: Batch) -> Assessment:
        """Assess the batch, clean and attacked."""
        labels = batch.labels
        adversarial = self.attack(
            batch.model, batch.images, labels, encoding=batch.encoding, rng=batch.rngs["attack"]
        )
        logits, changed, spikes = _answer_both(batch, adversarial)
        true = nn.functional.one_hot(labels, changed.shape[1]).bool()
        wrong = changed.softmax(dim=1).masked_fill(true, 0).amax(dim=1)
        margin = -torch.log(_ALMOST_ONE - wrong + _TINY)
        boosted = nn.functional.cross_entropy(changed, labels, reduction="none") + margin
        unsure = 1 - logits.softmax(dim=1)[true]
        loss = (boosted + self.beta * _divergence(logits, changed) * unsure).mean()
        return Assessment(loss, logits, spikes)


def _answer_both(batch: Batch, adversarial: Tensor) -> tuple[Tensor, Tensor, list[PackedSpikes]]:
    """Return logits of the clean and of the attacked images, and the spikes of both together.

    One pass, as layers that look for large gradients of dormant synapses look at one.
    """
    logits, spikes = batch.answer(torch.cat([batch.images, adversarial]).numpy())
    return logits[: len(adversarial)], logits[len(adversarial) :], spikes


def _divergence(logits: Tensor, others: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of the others from the first, (batch,) [nats]."""
    first, second = logits.log_softmax(dim=1), others.log_softmax(dim=1)
    return (first.exp() * (first - second)).sum(dim=1)


def _check_attack(attack: Attack) -> None:
    if not isinstance(attack, Attack):
        raise ParameterError(f"attack: got {attack!r}; expected FGSM or PGD, e.g. {PGD(0.1)}")


def _check_beta(beta: float) -> float:
    if not 0 < beta < math.inf:
        raise ParameterError(f"beta: got {beta!r}; allowed is > 0, finite")
    return float(beta)
