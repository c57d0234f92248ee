"""What models cost: counts over a test set, energy estimates, tables."""

from neurosparse.compare.cost import EnergyEstimate, EnergyTerm, Marked, ModelCost
from neurosparse.compare.counts import count_ann, count_snn, network_bytes
from neurosparse.compare.energy import estimate_energy
from neurosparse.compare.evaluate import Evaluation, evaluate, evaluate_dataset
from neurosparse.compare.lava import LavaOutcome, check_dataset_in_lava
from neurosparse.compare.measure import layer_sizes, measure_ann, measure_network
from neurosparse.compare.table import Comparison, Row, format_marked

__all__ = [
    "Comparison",
    "EnergyEstimate",
    "EnergyTerm",
    "Evaluation",
    "LavaOutcome",
    "Marked",
    "ModelCost",
    "Row",
    "check_dataset_in_lava",
    "count_ann",
    "count_snn",
    "estimate_energy",
    "evaluate",
    "evaluate_dataset",
    "format_marked",
    "layer_sizes",
    "measure_ann",
    "measure_network",
    "network_bytes",
]
