"""What cores need, counted synapse by synapse in plain Python from the blocks and the network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from neurosparse.loihi.mapping import Block, CoreRules
from neurosparse.network import Network, Projection, choose_sign_mode

WIDTHS_OF_WEIGHTS = (1, 2, 3, 4, 5, 6, 8)


def list_bits(rules: CoreRules, n: int, width: int) -> int:
    """Bits of a list of n synapses, group by group."""
    total = 0
    while n > 0:
        group = min(n, rules.group_synapses)
        bits = group * width + rules.header_bits
        total += -(-bits // rules.word_bits) * rules.word_bits
        n -= group
    return total


def format_of(projection: Projection) -> tuple[Any, ...]:
    """Bits of a weight, of a delay, and what else tells formats apart."""
    delay_bits = 0
    while (1 << delay_bits) <= projection.max_delay - 1:
        delay_bits += 1
    given = projection.format
    if given is not None:
        rest = (given.sign_mode, given.weight_exp, given.num_message_bits)
        bits = given.num_weight_bits
    else:
        weights = projection.synapses.weights
        integer = weights.dtype == np.int16
        rest = ((choose_sign_mode(weights) or "mixed") if integer else "mixed", 0, 0)
        bits = 8
    weight_bits = min(w for w in WIDTHS_OF_WEIGHTS if w >= bits)
    return weight_bits + delay_bits, (bits, delay_bits, *rest)


def recount(network: Network, blocks: Iterable[Block], rules: CoreRules) -> list[dict[str, int]]:
    """Return the demand of every core."""
    blocks = list(blocks)
    n_cores = 1 + max(block.core for block in blocks)
    place = {}  # (population, neuron) -> (core, number on the core)
    block_size: dict[tuple[int, str], int] = {}
    filled = [0] * n_cores
    for block in blocks:
        assert block.start == filled[block.core]
        block_size[block.core, block.population] = len(block.neurons)
        for neuron in block.neurons.tolist():
            assert (block.population, neuron) not in place
            place[block.population, neuron] = (block.core, filled[block.core])
            filled[block.core] += 1
    # core -> (projection, pre) -> numbers of the targets on the core
    lists: list[dict[tuple[int, int], list[int]]] = [defaultdict(list) for _ in range(n_cores)]
    for index, projection in enumerate(network.projections):
        synapses = projection.synapses
        for pre, post in zip(synapses.indices.tolist(), synapses.post.tolist(), strict=True):
            core, number = place[projection.target, post]
            lists[core][index, pre].append(number)
    sends = set()  # (population, neuron, core)
    demands = []
    for core in range(n_cores):
        axons = {(network.projections[index].source, pre) for index, pre in lists[core]}
        sends |= {(name, pre, core) for name, pre in axons}
        bits, formats = _bits(network, lists[core], block_size, core, filled[core], rules)
        demands.append(
            {
                "neurons": filled[core],
                "input_axons": len(axons),
                "synapse_bits": bits,
                "synapse_formats": formats,
                "synapses": sum(len(targets) for targets in lists[core].values()),
            }
        )
    for core, demand in enumerate(demands):
        here = {key for key, (home, _) in place.items() if home == core}
        demand["output_axons"] = sum((name, neuron) in here for name, neuron, _ in sends)
        demand["memory_bits"] = (
            demand["synapse_bits"]
            + demand["neurons"] * rules.bits_per_neuron
            + demand["input_axons"] * rules.bits_per_input_axon
            + demand["output_axons"] * rules.bits_per_output_axon
        )
        demand["neuron_profiles"], demand["threshold_profiles"] = _profiles(network, here)
    return demands


def _bits(
    network: Network,
    lists: dict[tuple[int, int], list[int]],
    block_size: dict[tuple[int, str], int],
    core: int,
    n_neurons: int,
    rules: CoreRules,
) -> tuple[int, int]:
    def width_for(number: int) -> int:
        return min([w for w in rules.index_widths if number < 2**w] or [rules.index_widths[-1]])

    bits = plain = 0
    formats, keys = set(), set()
    for (index, _), targets in lists.items():
        projection = network.projections[index]
        width, key = format_of(projection)
        choices = [(list_bits(rules, len(targets), width + width_for(max(targets))), max(targets))]
        kind: object = width_for(max(targets))
        if not projection.synapses.multapses:
            dense = list_bits(rules, block_size[core, projection.target], width)
            if dense < choices[0][0]:
                choices, kind = [(dense, 0)], "dense"
        bits += choices[0][0]
        formats.add((key, kind))
        keys.add(key)
        plain += list_bits(rules, len(targets), width + width_for(n_neurons - 1))
    limit = rules.limits["synapse_formats"]
    if limit is not None and len(formats) > limit:
        return plain, len(keys)
    return bits, len(formats)


def _profiles(network: Network, here: set[tuple[str, int]]) -> tuple[int, int]:
    profiles, thresholds = set(), set()
    for name, number in here:
        neuron = network.populations[name].neuron
        if neuron is None:
            continue

        def one(field: str, neuron: Any = neuron, number: int = number) -> Any:
            value = getattr(neuron, field, None)
            return value[number] if isinstance(value, np.ndarray) else value

        kind = type(neuron).__name__
        shared = ("du", "dv", "v_reset", "refractory", "reset")
        profiles.add((kind, *(one(field) for field in shared)))
        thresholds.add((kind, *(one(field) for field in ("vth", "vth_lo", "vth_hi"))))
    return len(profiles), len(thresholds)
