"""Named recipes: small compositions of the parts."""

from neurosparse.sparsify.recipes.evolution import dsr, random_rewiring, rigl, set_
from neurosparse.sparsify.recipes.masks import dnw, dpf, lc, snfs, soft_deep_r
from neurosparse.sparsify.recipes.pruning import dsd, gmp, iht, lprune, one_shot, random_pruning
from neurosparse.sparsify.recipes.sampling import (
    bayesian_connectivity,
    deep_r,
    deep_r_global,
    static,
)
from neurosparse.sparsify.recipes.structured import block_pruning, block_rewiring, neuron_pruning

__all__ = [
    "bayesian_connectivity",
    "block_pruning",
    "block_rewiring",
    "deep_r",
    "deep_r_global",
    "dnw",
    "dpf",
    "dsd",
    "dsr",
    "gmp",
    "iht",
    "lc",
    "lprune",
    "neuron_pruning",
    "one_shot",
    "random_pruning",
    "random_rewiring",
    "rigl",
    "set_",
    "snfs",
    "soft_deep_r",
    "static",
]
