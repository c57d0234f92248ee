"""Population, Projection and Network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import numpy as np

from neurosparse.errors import ParameterError, ShapeError, TopologyError
from neurosparse.network.checks import check_count, check_name
from neurosparse.network.fixed_point import IntegerNeuron, Neuron
from neurosparse.network.neurons import LIF
from neurosparse.network.synapse_format import SynapseFormat
from neurosparse.network.synapses import MAX_DELAY, Synapses

__all__ = ["Network", "Population", "Projection"]


@dataclass(frozen=True)
class Population:
    """A group of neurons with one set of parameters.

    Parameters
    ----------
    size : int
        Number of neurons, >= 1.
    neuron : LIF or FixedPointLIF, optional
        Parameters; none makes a spike source, driven from outside.

    Raises
    ------
    ParameterError
        If the size is not positive or the neuron is of another kind.
    """

    size: int
    neuron: Neuron | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", check_count("size", self.size, least=1, most=2**31 - 1))
        if self.neuron is not None and not isinstance(self.neuron, Neuron):
            raise ParameterError(
                f"neuron: got {self.neuron!r}; expected LIF, FixedPointLIF, FixedPointTernaryLIF or"
                " None (a source)"
            )


@dataclass(frozen=True)
class Projection:
    """Synapses from one population onto a receptor of another.

    Parameters
    ----------
    source, target : str
        Names of populations.
    synapses : Synapses
        Shape (size of target, size of source).
    delay : int [steps]
        1 to 255; one step is the least. Synapses with delays of their own override it.
    receptor : int
        Receptor of the target.
    name : str, optional
        Default ``"source->target"``.
    format : SynapseFormat, optional
        Of integer weights. Default: 8 bits, no exponent, and the sign mode that the weights allow.

    Raises
    ------
    ParameterError
        If the delay is out of range, or weights cannot be stored in the format.
    """

    source: str
    target: str
    synapses: Synapses
    delay: int = 1
    receptor: int = 0
    name: str = ""
    format: SynapseFormat | None = None

    def __post_init__(self) -> None:
        fix = object.__setattr__
        fix(self, "name", check_name("projection", self.name or f"{self.source}->{self.target}"))
        if not isinstance(self.synapses, Synapses):
            raise ParameterError(
                f"projection {self.name!r}: synapses is a {type(self.synapses).__name__}; "
                "expected Synapses"
            )
        where = f"projection {self.name!r}: "
        fix(self, "delay", check_count(where + "delay", self.delay, least=1, most=MAX_DELAY))
        fix(self, "receptor", check_count(where + "receptor", self.receptor))
        if self.format is not None:
            self._check_format(where, self.format)

    def _check_format(self, where: str, given: Any) -> None:
        if not isinstance(given, SynapseFormat):
            raise ParameterError(f"{where}format: got {given!r}; expected SynapseFormat or None")
        weights = self.synapses.weights
        if weights.dtype != np.int16:
            raise ParameterError(f"{where}format: {weights.dtype} weights; it is for int16 ones")
        low, high, step = given.grid
        if not given.grid.holds(weights):
            raise ParameterError(
                f"{where}format: weights from {weights.min()} to {weights.max()}; "
                f"{given.sign_mode} ones of {given.num_weight_bits} bits are multiples of {step} "
                f"from {low} to {high}"
            )

    @property
    def max_delay(self) -> int:
        """Longest delay [steps]."""
        own = self.synapses.max_delay
        return self.delay if own is None else own

    @property
    def min_delay(self) -> int:
        """Shortest delay [steps]."""
        own = self.synapses.min_delay
        return self.delay if own is None else own


@dataclass(frozen=True, init=False)
class Network:
    """Populations and projections that form a valid network.

    Parameters
    ----------
    populations : mapping of str to Population
        In this order they are numbered and updated.
    projections : sequence of Projection
        In this order their events are added.
    inputs : sequence of str, optional
        Populations driven from outside. Default: the sources, and the populations of neurons that
        nothing projects to.
    outputs : sequence of str, optional
        Populations whose spikes are the answer. Default: those that project to nothing.

    Raises
    ------
    TopologyError, ShapeError
        If a name is unknown or doubled, a shape does not fit, something projects onto a source or
        onto a receptor that is not there, or float and integer parts are mixed.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> net = Network(
    ...     {"in": Population(4), "out": Population(2, LIF())},
    ...     [Projection("in", "out", Synapses.random(4, 2, density=0.5, rng=rng))],
    ... )
    >>> net.n_synapses, net.inputs, net.outputs, net.latency
    (4, ('in',), ('out',), 1)
    """

    populations: Mapping[str, Population]
    projections: tuple[Projection, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __init__(
        self,
        populations: Mapping[str, Population],
        projections: Sequence[Projection] = (),
        *,
        inputs: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
    ) -> None:
        fix = object.__setattr__
        fix(self, "populations", dict(populations))
        fix(self, "projections", tuple(projections))
        sources = {projection.source for projection in self.projections}
        targets = {projection.target for projection in self.projections}
        if inputs is None:
            inputs = [name for name in self.populations if name not in targets]
        if outputs is None:
            outputs = [name for name in self.populations if name not in sources]
        fix(self, "inputs", tuple(inputs))
        fix(self, "outputs", tuple(outputs))
        self._validate()

    def _validate(self) -> None:
        if not self.populations:
            raise TopologyError("populations: got none; a network has at least one")
        for name, population in self.populations.items():
            check_name("population", name)
            if not isinstance(population, Population):
                raise TopologyError(
                    f"population {name!r}: got a {type(population).__name__}; "
                    "expected Population(size, neuron)"
                )
            if population.neuron is not None:
                population.neuron.check_size(name, population.size)
        names = [projection.name for projection in self.projections]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise TopologyError(
                f"projections: {', '.join(map(repr, doubled))} stand twice; name them apart"
            )
        for role, members in (("inputs", self.inputs), ("outputs", self.outputs)):
            for name in members:
                self._population(role, name)
            if len(set(members)) < len(members):
                raise TopologyError(f"{role}: got {list(members)}; name each population once")
        for projection in self.projections:
            self._validate_projection(projection)
        neurons = [p.neuron for p in self.populations.values() if p.neuron is not None]
        if len({isinstance(neuron, LIF) for neuron in neurons}) > 1:
            raise TopologyError("populations: float and integer neurons mixed; use one kind")
        for projection in self.projections:
            dtype = projection.synapses.dtype
            integer = dtype == np.int16
            if integer != self.is_integer:
                raise TopologyError(
                    f"projection {projection.name!r}: {dtype} weights "
                    f"in {'an integer' if self.is_integer else 'a float'} network; "
                    "LIF takes float weights, FixedPointLIF int16 (loihi.quantise converts)"
                )

    def _population(self, where: str, name: str) -> Population:
        if name not in self.populations:
            known = ", ".join(map(repr, self.populations))
            raise TopologyError(f"{where}: no population {name!r}; there are {known}")
        return self.populations[name]

    def _validate_projection(self, projection: Projection) -> None:
        where = f"projection {projection.name!r}"
        source = self._population(where, projection.source)
        target = self._population(where, projection.target)
        if target.neuron is None:
            raise TopologyError(f"{where}: target {projection.target!r} is a spike source")
        expected = (target.size, source.size)
        if projection.synapses.shape != expected:
            raise ShapeError(
                f"{where}: synapses have shape {projection.synapses.shape}; expected {expected} "
                "= (size of target, size of source)"
            )
        if projection.receptor >= target.neuron.n_receptors:
            raise TopologyError(
                f"{where}: receptor {projection.receptor}, but {projection.target!r} has "
                f"{target.neuron.n_receptors} (numbered from 0)"
            )

    # ------------------------------------------------------------------ properties

    @property
    def is_integer(self) -> bool:
        """Whether this is an integer network (integer neurons and int16 weights)."""
        return any(isinstance(p.neuron, IntegerNeuron) for p in self.populations.values())

    @property
    def n_neurons(self) -> int:
        """Neurons, sources not counted."""
        return sum(p.size for p in self.populations.values() if p.neuron is not None)

    @property
    def n_synapses(self) -> int:
        """Synapses that exist."""
        return sum(projection.synapses.n_active for projection in self.projections)

    @property
    def n_potential_synapses(self) -> int:
        """Synapses that could exist between the connected populations."""
        return sum(projection.synapses.n_potential for projection in self.projections)

    @property
    def n_bytes(self) -> int:
        """Bytes of all synapses as stored [B]."""
        return sum(projection.synapses.n_bytes for projection in self.projections)

    @property
    def depths(self) -> dict[str, int]:
        """Steps until a population can first be reached from the inputs.

        Inputs have depth 0; a population that cannot be reached has depth 0 too, as nothing
        delays what it does.
        """
        depth = dict.fromkeys(self.inputs, 0)
        frontier = True
        while frontier:
            frontier = False
            for projection in self.projections:
                if projection.source not in depth:
                    continue
                reached = depth[projection.source] + projection.min_delay
                if reached < depth.get(projection.target, reached + 1):
                    depth[projection.target] = reached
                    frontier = True
        return {name: depth.get(name, 0) for name in self.populations}

    @property
    def latency(self) -> int:
        """Steps from an input spike to the first output it can cause."""
        depths = self.depths
        return max((depths[name] for name in self.outputs), default=0)

    def with_synapses(self, changes: Mapping[str, Synapses]) -> Network:
        """Return a network with other synapses on the projections named, all else the same.

        Raises
        ------
        TopologyError, ShapeError, ParameterError
            If there is no such projection, or the synapses do not fit.
        """
        names = {projection.name for projection in self.projections}
        for name in changes:
            if name not in names:
                known = ", ".join(sorted(map(repr, names)))
                raise TopologyError(f"changes: no projection {name!r}; there are {known}")
        projections = [
            replace(projection, synapses=changes.get(projection.name, projection.synapses))
            for projection in self.projections
        ]
        return Network(self.populations, projections, inputs=self.inputs, outputs=self.outputs)

    def save(self, path: str | PathLike[str], metadata: Mapping[str, Any] | None = None) -> None:
        """Write the network, and JSON-able notes beside it, to one file.

        See `neurosparse.network.storage` for the format.
        """
        from neurosparse.network.storage import save_network

        save_network(self, path, metadata)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Network:
        """Read a network from a file; safe for files from strangers.

        Raises
        ------
        StorageError
            If the file is missing, truncated, altered or foreign.
        """
        return cls.load_with_metadata(path)[0]

    @classmethod
    def load_with_metadata(cls, path: str | PathLike[str]) -> tuple[Network, dict[str, Any]]:
        """Read a network and the notes saved beside it; raises as `load`."""
        from neurosparse.network.storage import load_network

        return load_network(path)

    def __repr__(self) -> str:
        parts = [
            f"{name}({p.size}{'' if p.neuron is None else ' ' + type(p.neuron).__name__})"
            for name, p in self.populations.items()
        ]
        return (
            f"Network({', '.join(parts)}; {self.n_synapses} of {self.n_potential_synapses} "
            f"synapses in {len(self.projections)} projections)"
        )
