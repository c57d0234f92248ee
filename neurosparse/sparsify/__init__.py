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
from neurosparse.sparsify.catalogue import CATALOGUE, find_recipe
from neurosparse.sparsify.context import Context
from neurosparse.sparsify.drop import DropRule, LayerDropRule, Nothing, RandomShare, SignChange
from neurosparse.sparsify.exchange import Rewiring
from neurosparse.sparsify.grow import GrowRule, LargestGradient, Uniform
from neurosparse.sparsify.homeostasis import HomeostaticRewirer
from neurosparse.sparsify.inside import SimulationRewirer
from neurosparse.sparsify.layer import LayerView, rows_of
from neurosparse.sparsify.magnitude import AdaptiveThreshold, Beyond, Smallest, SmallestBySign
from neurosparse.sparsify.masks.lagrangian import HardThreshold, SoftThreshold
from neurosparse.sparsify.masks.scheme import MaskScheme, MaskView
from neurosparse.sparsify.noise import Langevin, Noise
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
from neurosparse.sparsify.recipes.structured import block_pruning, block_rewiring, neuron_pruning
from neurosparse.sparsify.schedules import Cosine, Curve, Polynomial, Schedule, Stairs
from neurosparse.sparsify.scheme import Scheme
from neurosparse.sparsify.significance import GeneralizationLoss
from neurosparse.sparsify.signs import DaleSigns, FixedSigns, RandomSigns, SignRule
from neurosparse.sparsify.structure.blocks import Blocks, UniformBlocks, block_keys
from neurosparse.sparsify.structure.compact import compact, remove_dead
from neurosparse.sparsify.structure.neurons import Neurons, prune_neurons
from neurosparse.sparsify.structure.paths import effective_synapses, live_neurons
from neurosparse.sparsify.target import Target
from neurosparse.sparsify.turnover import Turnover
from neurosparse.sparsify.wiring import Newborn

__all__ = [
    "CATALOGUE",
    "AdaptiveThreshold",
    "Beyond",
    "Birth",
    "Blocks",
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
    "HardThreshold",
    "HomeostaticRewirer",
    "Langevin",
    "LargestGradient",
    "LayerBudget",
    "LayerDropRule",
    "LayerView",
    "MaskScheme",
    "MaskView",
    "Neurons",
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
    "SoftThreshold",
    "Stairs",
    "SurvivorBudget",
    "Target",
    "Turnover",
    "Uniform",
    "UniformBlocks",
    "UpTo",
    "bayesian_connectivity",
    "block_keys",
    "block_pruning",
    "block_rewiring",
    "compact",
    "deep_r",
    "deep_r_global",
    "dnw",
    "dpf",
    "dsd",
    "dsr",
    "effective_synapses",
    "er_budget",
    "find_recipe",
    "gmp",
    "iht",
    "lc",
    "live_neurons",
    "lprune",
    "neuron_pruning",
    "one_shot",
    "prune_neurons",
    "random_pruning",
    "random_rewiring",
    "remove_dead",
    "rigl",
    "rows_of",
    "set_",
    "snfs",
    "soft_deep_r",
    "static",
    "uniform_budget",
]
