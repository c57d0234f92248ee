"""Every recipe by its name, set up for a training of known length."""

from __future__ import annotations

from typing import TypedDict

from neurosparse.errors import ParameterError
from neurosparse.sparsify.masks.scheme import MaskScheme
from neurosparse.sparsify.plan import Plan, Recipe
from neurosparse.sparsify.recipes import (
    bayesian_connectivity,
    deep_r,
    deep_r_global,
    dsd,
    dsr,
    gmp,
    iht,
    lprune,
    one_shot,
    random_pruning,
    random_rewiring,
    rigl,
    set_,
    static,
)
from neurosparse.sparsify.recipes.masks import dnw, dpf, lc, snfs, soft_deep_r
from neurosparse.sparsify.recipes.structured import block_pruning, neuron_pruning
from neurosparse.sparsify.scheme import Scheme

__all__ = ["CATALOGUE", "find_recipe"]


_PULL = 0.1 * 5e-4  # share of a weight per step that a Gaussian prior takes in the authors' code
_SETTLE = 0.9  # share of the training after which nothing is exchanged any more


def _deep_r(plan: Plan) -> Scheme:
    return deep_r(l1=plan.l1, temperature=plan.temperature)


def _deep_r_global(plan: Plan) -> Scheme:
    return deep_r_global(l1=plan.l1, temperature=plan.temperature)


def _bayesian(plan: Plan) -> Scheme:
    l2 = _PULL / plan.learning_rate if plan.l2 is None else plan.l2
    return bayesian_connectivity(l2=l2, temperature=plan.noise_temperature)


def _set(plan: Plan) -> Scheme:
    # at 0, as with Adam a tenth is many steps of learning
    every = plan.period(plan.steps_per_epoch)
    return set_(every=every, stop=plan.at(_SETTLE), birth_std=None)


def _random(plan: Plan) -> Scheme:
    return random_rewiring(every=plan.period(plan.steps_per_epoch), stop=plan.at(_SETTLE))


def _dsr(plan: Plan) -> Scheme:
    return dsr(every=plan.period(200), stop=plan.at(_SETTLE))


def _rigl(plan: Plan) -> Scheme:
    return rigl(n_steps=plan.n_steps, every=plan.period(100))


class _Ramp(TypedDict):
    start: int
    stop: int
    every: int


def _ramp(plan: Plan) -> _Ramp:
    """Return when sparsity rises: from a tenth to seven tenths of the training."""
    start = plan.at(0.1)
    stop = max(start + 1, plan.at(0.7))
    return {
        "start": start,
        "stop": stop,
        "every": min(plan.period(100), max(1, (stop - start) // 4)),
    }


def _gmp(plan: Plan) -> Scheme:
    return gmp(plan.n_active, **_ramp(plan))


def _one_shot(plan: Plan) -> Scheme:
    return one_shot(plan.n_active, at=plan.at(0.5))


def _random_pruning(plan: Plan) -> Scheme:
    return random_pruning(plan.n_active, at=plan.at(0.5))


def _iht(plan: Plan) -> Scheme:
    sparse, dense = max(1, plan.at(0.2)), max(1, plan.at(0.1))
    return iht(plan.n_active, sparse_steps=sparse, dense_steps=dense, n_steps=plan.n_steps)


def _dsd(plan: Plan) -> Scheme:
    first = plan.at(0.4)
    return dsd(plan.n_active, sparse_from=first, dense_from=max(first + 1, plan.at(0.7)))


def _lprune(plan: Plan) -> Scheme:
    return lprune(plan.n_active, n_patterns=plan.n_patterns, stop=plan.at(0.7))


def _soft_deep_r(plan: Plan) -> MaskScheme:
    # a walk from the floor theta_min = -T (1 - p) / (alpha p) takes theta_min^2 / (2 eta T) steps
    l1 = plan.l1 or 1e-5
    # of our own choice: a third of the training; the faster, the further the loss drives density up
    steps = plan.n_steps / 3
    odds = min(1.0, plan.density / max(0.5, 1 - plan.density))
    temperature = 2 * plan.learning_rate * steps * (l1 * odds) ** 2
    return soft_deep_r(plan.n_active, l1=l1, temperature=temperature)


def _snfs(plan: Plan) -> MaskScheme:
    every = plan.period(plan.steps_per_epoch)
    return snfs(plan.n_active, n_steps=plan.n_steps, every=every)


def _dpf(plan: Plan) -> MaskScheme:
    every = min(plan.period(16), max(1, plan.at(0.75) // 4))
    return dpf(plan.n_active, n_steps=plan.n_steps, every=every, pooled=False)


def _dnw(plan: Plan) -> MaskScheme:
    return dnw(plan.n_active)


def _lc(plan: Plan) -> MaskScheme:
    stages = max(1, min(40, plan.n_steps // 4))
    return lc(plan.n_active, n_steps=plan.n_steps, n_stages=stages, pooled=False)


_BLOCK = (2, 4)


def _neuron_pruning(plan: Plan) -> Scheme:
    return neuron_pruning(plan.n_active, wiring=plan.wiring, **_ramp(plan))


def _block_pruning(plan: Plan) -> Scheme:
    return block_pruning(plan.n_active, _BLOCK, **_ramp(plan))


CATALOGUE: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "static",
            lambda plan: static(),
            "sparse",
            dense_state=False,
            what="random connectivity that stays: the control",
            paper="-",
        ),
        Recipe(
            "deep_r",
            _deep_r,
            "sparse",
            dense_state=False,
            what="what crosses zero goes, random ones come; noise and L1; a budget per layer",
            paper="Bellec et al. 2018",
            prior=True,
        ),
        Recipe(
            "deep_r_global",
            _deep_r_global,
            "sparse",
            dense_state=False,
            what="the same with one budget for all layers",
            paper="Bellec et al. 2018",
            prior=True,
        ),
        Recipe(
            "bayesian_connectivity",
            _bayesian,
            "sparse",
            dense_state=False,
            what="the same with a Gaussian prior, made for adversarial training",
            paper="Ozdenizci & Legenstein 2021",
            prior=True,
        ),
        Recipe(
            "set",
            _set,
            "sparse",
            dense_state=False,
            what="small weights of either sign go now and then, random ones come",
            paper="Mocanu et al. 2018",
        ),
        Recipe(
            "dsr",
            _dsr,
            "sparse",
            dense_state=False,
            what="an adaptive threshold for all layers; growth follows what survives",
            paper="Mostafa & Wang 2019",
        ),
        Recipe(
            "rigl",
            _rigl,
            "sparse",
            dense_state=False,
            what="small weights go, large gradients come",
            paper="Evci et al. 2020",
        ),
        Recipe(
            "gmp",
            _gmp,
            "full",
            dense_state=True,
            what="sparsity rises along a cubic, small weights go for good",
            paper="Zhu & Gupta 2017",
        ),
        Recipe(
            "one_shot",
            _one_shot,
            "full",
            dense_state=True,
            what="small weights go once, the rest is trained on",
            paper="Han et al. 2015",
        ),
        Recipe(
            "random",
            _random,
            "sparse",
            dense_state=False,
            what="random synapses go now and then, random ones come: the control of set",
            paper="-",
        ),
        Recipe(
            "random_pruning",
            _random_pruning,
            "full",
            dense_state=True,
            what="random weights go once, the rest is trained on: the control of one_shot",
            paper="-",
        ),
        Recipe(
            "iht",
            _iht,
            "full",
            dense_state=True,
            what="phases with the largest weights and phases with all, in turns",
            paper="Jin et al. 2016",
        ),
        Recipe(
            "dsd",
            _dsd,
            "full",
            dense_state=True,
            what="dense, sparse, dense: a regulariser; ends dense",
            paper="Han et al. 2017",
            ends_dense=True,
        ),
        Recipe(
            "lprune",
            _lprune,
            "full",
            dense_state=True,
            what="the more it overfits, the more it is pruned",
            paper="Prechelt 1997",
        ),
        Recipe(
            "soft_deep_r",
            _soft_deep_r,
            "sparse",
            dense_state=True,
            what="the random walk of DEEP R in all synapses; the density holds on average",
            paper="Bellec et al. 2018",
            exact=False,
            prior=True,
        ),
        Recipe(
            "snfs",
            _snfs,
            "sparse",
            dense_state=True,
            what="small weights go, large momentum comes; layers share by momentum",
            paper="Dettmers & Zettlemoyer 2019",
        ),
        Recipe(
            "dpf",
            _dpf,
            "full",
            dense_state=True,
            what="a mask of magnitude; all weights learn from the masked network",
            paper="Lin et al. 2020",
        ),
        Recipe(
            "dnw",
            _dnw,
            "full",
            dense_state=True,
            what="the largest weights of every step; the gradient goes straight to all",
            paper="Wortsman et al. 2019",
        ),
        Recipe(
            "lc",
            _lc,
            "full",
            dense_state=True,
            what="weights and their projection, drawn together by a rising penalty",
            paper="Carreira-Perpinan & Idelbayev 2018",
        ),
        Recipe(
            "neuron_pruning",
            _neuron_pruning,
            "full",
            dense_state=True,
            what="whole neurons go along a cubic, those with the smallest weights first",
            paper="Hoefler et al. 2021",
            exact=False,
        ),
        Recipe(
            "block_pruning",
            _block_pruning,
            "full",
            dense_state=True,
            what="whole blocks of 2 x 4 go along a cubic, those with the smallest weights first",
            paper="Mostafa & Wang 2019, Hoefler et al. 2021",
            exact=False,
        ),
    )
}


def find_recipe(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises
    ------
    ParameterError
        If there is none; the message lists all.
    """
    if name not in CATALOGUE:
        raise ParameterError(f"scheme: got {name!r}; allowed is {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
