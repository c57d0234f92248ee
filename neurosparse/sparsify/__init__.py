"""What, when and how to prune and rewire: schemes are compositions of small parts."""

from neurosparse.sparsify.budget import Budget, GlobalBudget, LayerBudget, uniform_budget
from neurosparse.sparsify.drop import DropRule, Nothing, RandomShare, SignChange
from neurosparse.sparsify.exchange import Rewiring
from neurosparse.sparsify.grow import GrowRule, Uniform
from neurosparse.sparsify.homeostasis import HomeostaticRewirer
from neurosparse.sparsify.inside import SimulationRewirer
from neurosparse.sparsify.layer import LayerView, rows_of
from neurosparse.sparsify.noise import Langevin, Noise
from neurosparse.sparsify.recipes import deep_r, deep_r_global, static
from neurosparse.sparsify.scheme import Schedule, Scheme
from neurosparse.sparsify.signs import DaleSigns, FixedSigns, RandomSigns, SignRule
from neurosparse.sparsify.turnover import Turnover
from neurosparse.sparsify.wiring import Newborn

__all__ = [
    "Budget",
    "DaleSigns",
    "DropRule",
    "FixedSigns",
    "GlobalBudget",
    "GrowRule",
    "HomeostaticRewirer",
    "Langevin",
    "LayerBudget",
    "LayerView",
    "Newborn",
    "Noise",
    "Nothing",
    "RandomShare",
    "RandomSigns",
    "Rewiring",
    "Schedule",
    "Scheme",
    "SignChange",
    "SignRule",
    "SimulationRewirer",
    "Turnover",
    "Uniform",
    "deep_r",
    "deep_r_global",
    "rows_of",
    "static",
    "uniform_budget",
]
