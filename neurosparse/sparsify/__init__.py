"""What, when and how to prune and rewire: schemes are compositions of small parts."""

from neurosparse.sparsify.birth import Birth, NormalBirth
from neurosparse.sparsify.budget import (
    Budget,
    GlobalBudget,
    LayerBudget,
    NoRegrowth,
    SurvivorBudget,
    UpTo,
    er_budget,
    uniform_budget,
)
from neurosparse.sparsify.catalogue import CATALOGUE, Plan, Recipe, find_recipe
from neurosparse.sparsify.context import Context
from neurosparse.sparsify.drop import DropRule, LayerDropRule, Nothing, RandomShare, SignChange
from neurosparse.sparsify.exchange import Rewiring
from neurosparse.sparsify.grow import GrowRule, LargestGradient, Uniform
from neurosparse.sparsify.homeostasis import HomeostaticRewirer
from neurosparse.sparsify.inside import SimulationRewirer
from neurosparse.sparsify.layer import LayerView, rows_of
from neurosparse.sparsify.magnitude import AdaptiveThreshold, Beyond, Smallest, SmallestBySign
from neurosparse.sparsify.noise import Langevin, Noise
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
    rigl,
    set_,
    static,
)
from neurosparse.sparsify.schedules import Cosine, Curve, Polynomial, Schedule, Stairs
from neurosparse.sparsify.scheme import Scheme
from neurosparse.sparsify.significance import GeneralizationLoss
from neurosparse.sparsify.signs import DaleSigns, FixedSigns, RandomSigns, SignRule
from neurosparse.sparsify.target import Target
from neurosparse.sparsify.turnover import Turnover
from neurosparse.sparsify.wiring import Newborn

__all__ = [
    "CATALOGUE",
    "AdaptiveThreshold",
    "Beyond",
    "Birth",
    "Budget",
    "Context",
    "Cosine",
    "Curve",
    "DaleSigns",
    "DropRule",
    "FixedSigns",
    "GeneralizationLoss",
    "GlobalBudget",
    "GrowRule",
    "HomeostaticRewirer",
    "Langevin",
    "LargestGradient",
    "LayerBudget",
    "LayerDropRule",
    "LayerView",
    "Newborn",
    "NoRegrowth",
    "Noise",
    "NormalBirth",
    "Nothing",
    "Plan",
    "Polynomial",
    "RandomShare",
    "RandomSigns",
    "Recipe",
    "Rewiring",
    "Schedule",
    "Scheme",
    "SignChange",
    "SignRule",
    "SimulationRewirer",
    "Smallest",
    "SmallestBySign",
    "Stairs",
    "SurvivorBudget",
    "Target",
    "Turnover",
    "Uniform",
    "UpTo",
    "bayesian_connectivity",
    "deep_r",
    "deep_r_global",
    "dsd",
    "dsr",
    "er_budget",
    "find_recipe",
    "gmp",
    "iht",
    "lprune",
    "one_shot",
    "random_pruning",
    "rigl",
    "rows_of",
    "set_",
    "static",
    "uniform_budget",
]
