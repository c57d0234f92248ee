"""Named recipes: small compositions of the parts."""

from neurosparse.sparsify.recipes.evolution import dsr, random_rewiring, rigl, set_
from neurosparse.sparsify.recipes.pruning import dsd, gmp, iht, lprune, one_shot, random_pruning
from neurosparse.sparsify.recipes.sampling import (
    bayesian_connectivity,
    deep_r,
    deep_r_global,
    static,
)

__all__ = [
    "bayesian_connectivity",
    "deep_r",
    "deep_r_global",
    "dsd",
    "dsr",
    "gmp",
    "iht",
    "lprune",
    "one_shot",
    "random_pruning",
    "random_rewiring",
    "rigl",
    "set_",
    "static",
]
