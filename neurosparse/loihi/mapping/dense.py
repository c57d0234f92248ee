"""How many cores the same populations need with every pair connected: by formula, none built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from neurosparse.loihi.mapping.rules import CoreRules
from neurosparse.network import Network

__all__ = ["DenseTwin", "dense_twin"]

ROUNDS = 30  # until the number of cores that each neuron sends to no longer changes


@dataclass(frozen=True)
class DenseTwin:
    """The dense network on the same cores.

    Parameters
    ----------
    n_synapses : int
        Pairs of connected populations.
    n_cores : int or None
        None if it does not fit, or cannot be told.
    reason : str
        Why it does not fit; else empty.
    """

    n_synapses: int
    n_cores: int | None
    reason: str = ""


@dataclass
class _Core:
    """How many neurons of each population a core holds."""

    held: dict[str, int] = field(default_factory=dict)

    def with_more(self, name: str, n: int) -> _Core:
        return _Core({**self.held, name: self.held.get(name, 0) + n})


@dataclass(frozen=True)
class _Dense:
    """Sizes, and by target population the (source, bits of a synapse) of its projections."""

    rules: CoreRules
    sizes: Mapping[str, int]
    into: Mapping[str, list[tuple[str, int]]]

    def cores_reached(self, name: str, homes: Mapping[str, set[int]]) -> int:
        """Return how many cores hold a target of a population's neurons."""
        targets = (t for t in homes if any(source == name for source, _ in self.into[t]))
        return len(set().union(*(homes[target] for target in targets)))

    def excess(self, core: _Core, outputs: Mapping[str, int]) -> str:
        """Return the first limit that a core exceeds, or nothing."""
        rules, sizes = self.rules, self.sizes
        sources = {source for name in core.held for source, _ in self.into[name]}
        bits = sum(
            sizes[source] * rules.group_bits(n, width)
            for name, n in core.held.items()
            for source, width in self.into[name]
        )
        needs = {
            "neurons": sum(core.held.values()),
            "input_axons": sum(sizes[source] for source in sources),
            "output_axons": sum(n * outputs.get(name, 0) for name, n in core.held.items()),
            "synapse_bits": bits,
        }
        needs["memory_bits"] = (
            bits
            + needs["neurons"] * rules.bits_per_neuron
            + needs["input_axons"] * rules.bits_per_input_axon
            + needs["output_axons"] * rules.bits_per_output_axon
        )
        for resource, need in needs.items():
            limit = rules.limits[resource]
            if limit is not None and need > limit:
                return f"{need:,} {resource.replace('_', ' ')} of {limit:,}"
        return ""


def dense_twin(network: Network, rules: CoreRules, *, sources_on_cores: bool = False) -> DenseTwin:
    """Count the cores of the network in which every pair of connected populations is dense.

    Neurons in the order of the network, every core as full as it can be, each synapse stored
    dense. Profiles of neurons and formats of synapses are not looked at.

    Parameters
    ----------
    network : Network
        Its populations, formats and delays; its synapses are only counted.
    rules : CoreRules
        The core.
    sources_on_cores : bool
        Whether spike sources take places on cores.

    Returns
    -------
    DenseTwin
    """
    sizes = {name: population.size for name, population in network.populations.items()}
    into: dict[str, list[tuple[str, int]]] = {name: [] for name in sizes}
    for p in network.projections:
        bits = 8 if p.format is None else p.format.num_weight_bits
        into[p.target].append((p.source, rules.synapse_width(bits, p.max_delay)))
    dense = _Dense(rules, sizes, into)
    placed = {
        name: population.size
        for name, population in network.populations.items()
        if sources_on_cores or population.neuron is not None
    }
    n_synapses = network.n_potential_synapses
    outputs: dict[str, int] = {}
    for _ in range(ROUNDS):
        homes: dict[str, set[int]] = {name: set() for name in placed}
        kinds = []
        n_cores = 0
        for core, times in _filled(dense, placed, outputs):
            if not times:
                (name,) = core.held
                why = dense.excess(core, outputs)
                return DenseTwin(n_synapses, None, f"a neuron of {name!r} alone needs {why}")
            for name in core.held:
                homes[name].update(range(n_cores, n_cores + times))
            kinds.append(core)
            n_cores += times
        counted = {name: dense.cores_reached(name, homes) for name in sizes}
        if not any(dense.excess(core, counted) for core in kinds):
            return DenseTwin(n_synapses, n_cores)
        outputs = {name: max(counted[name], outputs.get(name, 0)) for name in sizes}
    return DenseTwin(n_synapses, None, "its output axons grow with every core that is added")


def _filled(
    dense: _Dense, placed: Mapping[str, int], outputs: Mapping[str, int]
) -> Iterator[tuple[_Core, int]]:
    """Yield cores and how many there are of each kind; 0 of one that cannot be."""
    core = _Core()
    for name, size in placed.items():
        left = size
        while left:
            more = _most(dense, core, name, left, outputs)
            if more == 0:
                if not core.held:
                    yield _Core({name: 1}), 0
                    return
                yield core, 1
                core = _Core()
            elif not core.held and left >= 2 * more:
                yield core.with_more(name, more), left // more
                left %= more
            else:
                core, left = core.with_more(name, more), left - more
    if core.held:
        yield core, 1


def _most(dense: _Dense, core: _Core, name: str, left: int, outputs: Mapping[str, int]) -> int:
    """Return how many more neurons of a population a core can take."""
    good, bad = 0, left + 1
    while good + 1 < bad:
        middle = (good + bad) // 2
        if dense.excess(core.with_more(name, middle), outputs):
            bad = middle
        else:
            good = middle
    return good
