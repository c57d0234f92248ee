"""What models cost: counts over a test set, energy estimates, tables."""

from neurosparse.compare.cost import EnergyEstimate, EnergyTerm, Marked, ModelCost
from neurosparse.compare.counts import count_ann, count_snn, network_bytes
from neurosparse.compare.energy import estimate_energy
from neurosparse.compare.evaluate import Evaluation, evaluate, evaluate_dataset
from neurosparse.compare.table import Comparison, Row, format_marked

__all__ = [
    "Comparison",
    "EnergyEstimate",
    "EnergyTerm",
    "Evaluation",
    "Marked",
    "ModelCost",
    "Row",
    "count_ann",
    "count_snn",
    "estimate_energy",
    "evaluate",
    "evaluate_dataset",
    "format_marked",
    "network_bytes",
]
