"""An exported network as one Lava process, to be placed inside a program of one's own.

    from lava_process import load_process      # before anything of lava: mends its import

    net = load_process("bundle", tag="fixed_pt")
    mine.s_out.connect(net.in_ports.image)     # spikes for sources, currents for neurons
    net.out_ports.digit.connect(other.a_in)    # spikes
    mine.run(RunSteps(100), Loihi2SimCfg(select_tag="fixed_pt", select_sub_proc_model=True))
    net.vars.digit_v.get()                     # u and v of every population of neurons

Ports are named as the populations. Every population has an in-port, and every population of neurons
an out-port; only those that are connected when Lava compiles the program are wired up.
"""

from __future__ import annotations

from typing import Any

from bundle_file import Definition, read_definition  # type: ignore[import-not-found]
from lava_compat import mend_import  # type: ignore[import-not-found]

mend_import()

from lava.magma.core.decorator import implements, tag  # noqa: E402
from lava.magma.core.model.sub.model import AbstractSubProcessModel  # noqa: E402
from lava.magma.core.process.ports.ports import InPort, OutPort  # noqa: E402
from lava.magma.core.process.process import AbstractProcess, Collection  # noqa: E402
from lava.magma.core.process.variable import Var  # noqa: E402
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol  # noqa: E402
from lava_parts import (  # type: ignore[import-not-found]  # noqa: E402
    make_connection,
    make_neurons,
    make_tie,
)


class BundleProcess(AbstractProcess):  # type: ignore[misc]
    """A network with a port for every population; see `load_process`.

    Parameters
    ----------
    definition : Definition
        From ``bundle_file.read_definition``.
    reset_every : int
        Steps after which ``u`` and ``v`` are reset (each population as its depth delays it); 0:
        never.
    name : str
        Stands before the names of the processes within.

    Attributes
    ----------
    in_ports.POPULATION : InPort, (size,)
        Spikes (or messages) of a source, currents for neurons.
    out_ports.POPULATION : OutPort, (size,)
        Spikes of a population of neurons.
    vars.POPULATION_u, vars.POPULATION_v : Var, (size,)
        Its state.
    """

    def __init__(self, definition: Definition, reset_every: int = 0, name: str = "network") -> None:
        super().__init__(name=name)
        self.definition = definition
        self.reset_every = reset_every
        for entry in definition.header["populations"]:
            own, shape = entry["name"], (entry["size"],)
            self._add(self.in_ports, own, InPort(shape=shape))
            if entry["neuron"] is not None:
                self._add(self.out_ports, own, OutPort(shape=shape))
                for variable in "uv":
                    self._add(self.vars, f"{own}_{variable}", Var(shape=shape, init=0))

    def _add(self, collection: Any, key: str, member: Any) -> None:
        member.name, member.process = key, self
        collection.add_members({attribute_of(key): member})

    @property
    def inputs(self) -> list[str]:
        """Names of the populations that are meant to be driven."""
        return list(self.definition.header["inputs"])

    @property
    def outputs(self) -> list[str]:
        """Names of the populations whose spikes are the answer."""
        return [n for n in self.definition.header["outputs"] if n in self.neurons]

    @property
    def neurons(self) -> list[str]:
        """Names of the populations of neurons; the others are sources."""
        return [n for n, p in self.definition.populations.items() if p["neuron"] is not None]

    def in_port(self, population: str) -> Any:
        """Return the in-port of a population, whatever its name."""
        return getattr(self.in_ports, attribute_of(population))

    def out_port(self, population: str) -> Any:
        """Return the out-port of a population of neurons, whatever its name."""
        return getattr(self.out_ports, attribute_of(population))

    def state(self, population: str, variable: str) -> Any:
        """Return the Var of ``u`` or ``v`` of a population of neurons, whatever its name."""
        return getattr(self.vars, attribute_of(f"{population}_{variable}"))


def attribute_of(key: str) -> str:
    """Return the name under which a collection keeps a member: ``key``, or ``key_`` if taken."""
    taken = {*dir(Collection), "process", "name", "_members", "_iterator", "_is_coroutine"}
    return key + "_" if key in taken else key


class FloatingPointBundle(BundleProcess):
    """A network for Lava's ``floating_pt`` models."""


class FixedPointBundle(BundleProcess):
    """A network for Lava's ``fixed_pt`` models."""


class _BundleModel(AbstractSubProcessModel):  # type: ignore[misc]
    """The processes of Lava within: one LIF per population, one Sparse per projection."""

    def __init__(self, process: BundleProcess) -> None:
        definition = process.definition
        self.parts = {}
        neurons: dict[str, Any] = {}
        for name, entry in definition.populations.items():
            if entry["neuron"] is not None:
                full = f"{process.name}.{name}"
                neurons[name] = make_neurons(definition, entry, full, process.reset_every)
                self.parts[f"population {name}"] = neurons[name]
        targets: dict[str, list[Any]] = {name: [] for name in definition.populations}
        for index, entry in enumerate(definition.header["projections"]):
            full = f"{process.name}.{entry['name']}"
            connection = make_connection(definition, index, full)
            self.parts[f"projection {entry['name']}"] = connection
            connection.a_out.connect(neurons[entry["target"]].a_in)
            if entry["source"] in neurons:
                neurons[entry["source"]].s_out.connect(connection.s_in)
            else:
                targets[entry["source"]].append(connection.s_in)
        self._tie_parts_together(process, neurons, targets)
        self._wire_up(process, neurons, targets)

    def _tie_parts_together(
        self, process: BundleProcess, neurons: dict[str, Any], targets: dict[str, list[Any]]
    ) -> None:
        """Join parts that nothing connects by empty synapses onto one population.

        Lava runs one connected graph; what empty synapses add is zero.
        """
        definition = process.definition
        part = {name: number for number, name in enumerate(definition.populations)}
        for entry in definition.header["projections"]:
            old, new = part[entry["source"]], part[entry["target"]]
            part = {name: new if number == old else number for name, number in part.items()}
        hub = next(iter(neurons))
        tied = {part[hub]}
        for name, entry in definition.populations.items():
            if part[name] not in tied:
                tied.add(part[name])
                shape = (definition.populations[hub]["size"], entry["size"])
                tie = make_tie(shape, f"{process.name}.{name} beside {hub}")
                self.parts[f"tie {name}"] = tie
                tie.a_out.connect(neurons[hub].a_in)
                if name in neurons:
                    neurons[name].s_out.connect(tie.s_in)
                else:
                    targets[name].append(tie.s_in)

    @staticmethod
    def _wire_up(
        process: BundleProcess, neurons: dict[str, Any], targets: dict[str, list[Any]]
    ) -> None:
        # currents come after the projections: the order of connection is the order of the sum
        for name in process.definition.populations:
            if name in neurons:
                targets[name] = [neurons[name].a_in]
                out_port = process.out_port(name)
                if out_port.out_connections:
                    neurons[name].s_out.connect(out_port)
                for variable in "uv":
                    process.state(name, variable).alias(getattr(neurons[name], variable))
            if process.in_port(name).in_connections:
                process.in_port(name).connect(targets[name])

    def find_sub_procs(self) -> dict[str, Any]:
        """Return the processes within, populations first."""
        return dict(self.parts)


@implements(proc=FloatingPointBundle, protocol=LoihiProtocol)
@tag("floating_pt")
class FloatingPointBundleModel(_BundleModel):
    """Made of Lava's ``floating_pt`` models."""


@implements(proc=FixedPointBundle, protocol=LoihiProtocol)
@tag("fixed_pt")
class FixedPointBundleModel(_BundleModel):
    """Made of Lava's ``fixed_pt`` models."""


_KINDS = {"floating_pt": FloatingPointBundle, "fixed_pt": FixedPointBundle}


def make_process(definition: Definition, reset_every: int = 0, name: str = "network") -> Any:
    """Make the process of a network."""
    return _KINDS[definition.tag](definition, reset_every, name)


def load_process(
    bundle: Any, tag: str = "fixed_pt", *, reset_every: int = 0, name: str = "network"
) -> Any:
    """Read a bundle and make its process; run it with a run configuration of the same tag.

    Raises ``bundle_file.BundleFileError`` if the bundle is missing, was changed, or holds no
    network for that tag.
    """
    return make_process(read_definition(bundle, tag), reset_every, name)
