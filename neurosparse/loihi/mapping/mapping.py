"""A network on cores: who is where, what it needs, what travels."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.hardware import Board
from neurosparse.loihi.mapping.demand import COLUMNS, FLOWS
from neurosparse.loihi.mapping.dense import DenseTwin, dense_twin
from neurosparse.loihi.mapping.rules import RESOURCES, CoreRules
from neurosparse.network import Network

if TYPE_CHECKING:
    from neurosparse.loihi.mapping.placement import Placement
    from neurosparse.loihi.mapping.wiring import Wiring

__all__ = ["Block", "Core", "Mapping", "Trial"]


DISTINCT = ("neuron_profiles", "threshold_profiles", "synapse_formats")


class Block(NamedTuple):
    """Neurons of one population on one core.

    ``neurons`` (n,) int32 ascending, numbered in their population; the block takes the core's
    neurons from ``start`` on.
    """

    core: int
    population: str
    start: int
    neurons: NDArray[np.int32]


class Core(NamedTuple):
    """One core: its blocks, what it needs, the share of each limit, and the limit nearest."""

    number: int
    blocks: tuple[Block, ...]
    demand: dict[str, int]
    utilisation: dict[str, float]
    limiting: str


class Trial(NamedTuple):
    """One way of placing that was tried, and what came of it; messages are per step."""

    method: str
    n_cores: int
    between_cores: float
    from_outside: float

    @classmethod
    def of(cls, method: str, placement: Placement) -> Trial:
        """Note a placement."""
        return cls(method, *placement.rank)


@dataclass(frozen=True, eq=False)
class Mapping:
    """A network on cores.

    Parameters
    ----------
    rules : CoreRules
        What a core allows.
    sizes : mapping of str to int
        Populations of the network, in its order.
    blocks : tuple of Block
        Core by core; within a core in the order of the populations.
    demand : (n_cores, 9) int64
        Columns as `RESOURCES`, then synapses.
    flow : (n_cores, 7) float64
        Per step, columns as `FLOWS`.
    method : str
        As it was asked for.
    trials : tuple of Trial
        What was tried; the first of the best is this.
    dense : DenseTwin
        The same populations with every pair connected.
    weighted : bool
        Whether messages are spikes per step; else every neuron counts 1.
    remarks : tuple of str
        What else to know.
    """

    rules: CoreRules
    sizes: AnyMapping[str, int]
    blocks: tuple[Block, ...]
    demand: NDArray[np.int64]
    flow: NDArray[np.float64]
    method: str
    trials: tuple[Trial, ...]
    dense: DenseTwin
    weighted: bool
    remarks: tuple[str, ...]

    @classmethod
    def of_placement(
        cls,
        network: Network,
        rules: CoreRules,
        wiring: Wiring,
        placement: Placement,
        *,
        method: str,
        trials: tuple[Trial, ...],
        remarks: tuple[str, ...],
        weighted: bool,
    ) -> Mapping:
        """Put a placement of global neuron numbers into words of the network."""
        order, cuts = placement.order, placement.cuts
        core = np.repeat(np.arange(placement.n_cores), np.diff(cuts))
        population = wiring.topology.population[order]
        begins = np.flatnonzero(
            np.concatenate([[True], (np.diff(core) != 0) | (np.diff(population) != 0)])
        )
        ends = np.append(begins[1:], order.size)
        local = (order - wiring.starts[population]).astype(np.int32)
        local.setflags(write=False)
        blocks = tuple(
            Block(c, wiring.names[p], begin - cut, local[begin:end])
            for c, p, cut, begin, end in zip(
                core[begins].tolist(),
                population[begins].tolist(),
                cuts[core[begins]].tolist(),
                begins.tolist(),
                ends.tolist(),
                strict=True,
            )
        )
        sources_placed = any(
            network.populations[block.population].neuron is None for block in blocks
        )
        return cls(
            rules,
            {name: p.size for name, p in network.populations.items()},
            blocks,
            placement.counted.demand,
            placement.flow,
            method,
            trials,
            dense_twin(network, rules, sources_on_cores=sources_placed),
            weighted,
            remarks,
        )

    # ------------------------------------------------------------------ what is where

    @property
    def n_cores(self) -> int:
        """Cores that hold neurons."""
        return len(self.demand)

    @property
    def n_chips(self) -> int:
        """Chips that these cores fill."""
        return -(-self.n_cores // self.rules.cores_per_chip)

    def boards_needed(self, board: Board) -> int:
        """Return how many of a board the cores fill."""
        return -(-self.n_cores // board.n_cores)

    @cached_property
    def blocks_of(self) -> dict[str, tuple[Block, ...]]:
        """The blocks of every placed population, core by core."""
        found: dict[str, list[Block]] = {}
        for block in self.blocks:
            found.setdefault(block.population, []).append(block)
        return {name: tuple(found[name]) for name in self.sizes if name in found}

    @cached_property
    def cores(self) -> tuple[Core, ...]:
        """All cores."""
        blocks: list[list[Block]] = [[] for _ in range(self.n_cores)]
        for block in self.blocks:
            blocks[block.core].append(block)
        names = list(self.utilisation)
        shares = np.stack(list(self.utilisation.values()), axis=1)
        return tuple(
            Core(
                index,
                tuple(blocks[index]),
                dict(zip(COLUMNS, self.demand[index].tolist(), strict=True)),
                dict(zip(names, shares[index].tolist(), strict=True)),
                names[self._nearest[index]],
            )
            for index in range(self.n_cores)
        )

    # ------------------------------------------------------------------ what is needed

    @cached_property
    def utilisation(self) -> dict[str, NDArray[np.float64]]:
        """Share of each limit that the chip states, by core, (n_cores,)."""
        return {
            resource: self.demand[:, column] / limit
            for column, resource in enumerate(RESOURCES)
            if (limit := self.rules.limits[resource]) is not None
        }

    @property
    def limiting(self) -> dict[str, int]:
        """On how many cores each limit is the nearest."""
        names = list(self.utilisation)
        counts = np.bincount(self._nearest, minlength=len(names)).tolist()
        return {name: n for name, n in zip(names, counts, strict=True) if n}

    @cached_property
    def _nearest(self) -> NDArray[np.int64]:
        """By core, which entry of `utilisation` is the largest; the first profile is no burden."""
        shares = [
            np.where(self.demand[:, COLUMNS.index(name)] > 1, share, 0)
            if name in DISTINCT
            else share
            for name, share in self.utilisation.items()
        ]
        nearest: NDArray[np.int64] = np.argmax(np.stack(shares), axis=0)
        return nearest

    @property
    def totals(self) -> dict[str, int]:
        """What all cores need together."""
        return dict(zip(COLUMNS, self.demand.sum(axis=0).tolist(), strict=True))

    @property
    def messages(self) -> dict[str, float]:
        """Messages per step: between cores, to the own core, from outside; and tiles crossed."""
        sums = dict(zip(FLOWS, self.flow.sum(axis=0).tolist(), strict=True))
        return {
            "between_cores": sums["messages_out"] - sums["messages_to_itself"],
            "to_itself": sums["messages_to_itself"],
            "from_outside": sums["messages_from_outside"],
            "hops": sums["hops"],
        }

    # ------------------------------------------------------------------ words and files

    def verify(self, network: Network) -> None:
        """Count everything again from the network; see `verify_mapping`."""
        from neurosparse.loihi.mapping.verify import verify_mapping

        verify_mapping(self, network)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the mapping to a JSON file."""
        from neurosparse.loihi.mapping.storage import save_mapping

        save_mapping(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Mapping:
        """Read a mapping from a file; raises StorageError if it is no such file."""
        from neurosparse.loihi.mapping.storage import load_mapping

        return load_mapping(path)

    def summary(self) -> dict[str, Any]:
        """Return the numbers of a report, ready for JSON."""
        return {
            "chip": self.rules.chip,
            "cores": self.n_cores,
            "chips": self.n_chips,
            "blocks": len(self.blocks),
            "method": self.method,
            "limiting": self.limiting,
            "largest_utilisation": {k: float(v.max()) for k, v in self.utilisation.items()},
            "mean_utilisation": {k: float(v.mean()) for k, v in self.utilisation.items()},
            "totals": self.totals,
            "messages_per_step": self.messages,
            "messages_are_spikes": self.weighted,
            "dense_synapses": self.dense.n_synapses,
            "dense_cores": self.dense.n_cores,
            "dense_reason": self.dense.reason,
            "trials": [trial._asdict() for trial in self.trials],
            "remarks": list(self.remarks),
        }

    def __str__(self) -> str:
        dense = "does not fit" if self.dense.n_cores is None else f"needs {self.dense.n_cores:,}"
        binds = ", ".join(f"{k.replace('_', ' ')} ({n:,})" for k, n in self.limiting.items())
        return (
            f"{self.n_cores:,} core{'s' if self.n_cores != 1 else ''} of {self.rules.chip}, "
            f"{self.n_chips:,} chip{'s' if self.n_chips != 1 else ''}; nearest limit by cores: "
            f"{binds}; dense {dense}"
        )
