"""Networks on neuromorphic cores: placed under all limits, counted, verified, split, priced."""

from neurosparse.loihi.mapping.cost import count_cores, predict_mapping_cost, rates_of
from neurosparse.loihi.mapping.dense import DenseTwin, dense_twin
from neurosparse.loihi.mapping.figure import plot_cores
from neurosparse.loihi.mapping.mapping import Block, Core, Mapping, Trial
from neurosparse.loihi.mapping.place import map_network
from neurosparse.loihi.mapping.rules import CoreRules
from neurosparse.loihi.mapping.split import block_names, merge_spikes, split_inputs, split_network
from neurosparse.loihi.mapping.storage import load_mapping, save_mapping
from neurosparse.loihi.mapping.verify import verify_mapping

__all__ = [
    "Block",
    "Core",
    "CoreRules",
    "DenseTwin",
    "Mapping",
    "Trial",
    "block_names",
    "count_cores",
    "dense_twin",
    "load_mapping",
    "map_network",
    "merge_spikes",
    "plot_cores",
    "predict_mapping_cost",
    "rates_of",
    "save_mapping",
    "split_inputs",
    "split_network",
    "verify_mapping",
]
