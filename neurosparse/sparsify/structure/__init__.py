"""Whole neurons and blocks, and what of a network's structure is of any use."""

from neurosparse.sparsify.structure.blocks import Blocks, UniformBlocks, block_keys
from neurosparse.sparsify.structure.compact import compact, remove_dead
from neurosparse.sparsify.structure.neurons import Neurons, prune_neurons
from neurosparse.sparsify.structure.paths import effective_synapses, live_neurons

__all__ = [
    "Blocks",
    "Neurons",
    "UniformBlocks",
    "block_keys",
    "compact",
    "effective_synapses",
    "live_neurons",
    "prune_neurons",
    "remove_dead",
]
