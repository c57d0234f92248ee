"""What an snnTorch network is made of: linear layers and spiking neurons in turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from neurosparse.train import SparseLinear
from neurosparse.train.snntorch_twin import load_snntorch

__all__ = ["Named", "Stage", "find_stages"]

NEURONS = ("Leaky", "Synaptic", "RLeaky", "RSynaptic")


class Named(NamedTuple):
    """A module and its name in the network."""

    name: str
    module: nn.Module


class Stage(NamedTuple):
    """Spiking neurons and the linear layer that leads to them; the first may have none."""

    linear: Named | None
    neurons: Named


def find_stages(network: nn.Module, problems: list[str]) -> list[Stage]:
    """Return the stages of a network, in the order in which its modules were registered.

    Parameters
    ----------
    network : torch.nn.Module
        Sequential, or any module with linear layers and neurons as attributes, nested at will.
        Dropout, Identity and Flatten of everything after the batch do nothing in evaluation, and
        are skipped.
    problems : list of str
        Takes up what has no equivalent, or is not in its place.

    Returns
    -------
    list of Stage
    """
    stages: list[Stage] = []
    waiting: Named | None = None  # linear layer whose neurons have not come yet
    width: int | None = None  # of what comes from the linear layer before
    excused = False  # whether something that was refused stands where they are missed
    for named in _leaves(network):
        module = named.module
        if _does_nothing(module):
            continue
        if isinstance(module, nn.Linear | SparseLinear):
            if waiting is not None and not excused:
                problems.append(_without_neurons(waiting))
            if width not in (None, module.in_features):
                problems.append(
                    f"{named.name}: in_features={module.in_features} after {width} neurons"
                )
            waiting, excused, width = named, False, module.out_features
        elif _is_neuron(module):
            if waiting is None and stages and not excused:
                problems.append(f"{named.name}: no linear layer leads to it; put nn.Linear before")
            if waiting is not None or not excused:  # else these belong to what was refused
                stages.append(Stage(waiting, named))
            waiting, excused = None, False
        else:
            problems.append(_unknown(named))
            excused, width = True, None
    if waiting is not None and not excused:
        problems.append(_without_neurons(waiting))
    if not problems and not any(stage.linear for stage in stages):
        problems.append("no nn.Linear with spiking neurons after it was found")
    return stages


def _leaves(network: nn.Module, prefix: str = "") -> Iterator[Named]:
    if not prefix and not _is_container(network):
        yield Named("module", network)
    elif _is_container(network):
        for name, child in network.named_children():
            if _is_container(child):
                yield from _leaves(child, f"{prefix}{name}.")
            else:
                yield Named(prefix + name, child)


def _is_container(module: nn.Module) -> bool:
    """Whether a module is but what its children are: torch's containers and people's classes."""
    if isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict):
        return True
    if isinstance(module, nn.Linear | load_snntorch().SpikingNeuron):
        return False
    home = type(module).__module__.partition(".")[0]
    return home not in ("torch", "snntorch", "neurosparse") and any(module.children())


def _is_neuron(module: nn.Module) -> bool:
    # not a subclass: its step may be another
    return any(type(module) is getattr(load_snntorch(), kind) for kind in NEURONS)


def _does_nothing(module: nn.Module) -> bool:
    if isinstance(module, nn.Flatten):
        return (module.start_dim, module.end_dim) == (1, -1)
    return isinstance(module, nn.Identity | _DropoutNd)


def _without_neurons(linear: Named) -> str:
    return (
        f"{linear.name}: no spiking neurons follow it; put snn.Leaky after it (a module that is "
        "used twice counts once)"
    )


def _unknown(named: Named) -> str:
    name, module = named
    snn = load_snntorch()
    kind = type(module).__name__
    if isinstance(module, snn.SpikingNeuron):
        known = ", ".join(f"snn.{each}" for each in NEURONS)
        return f"{name}: the neuron {kind} has no equivalent; allowed are {known} themselves"
    if isinstance(module, _BatchNorm):
        advice = "fold it into the linear layer first (torch.nn.utils.fuse_linear_bn_eval)"
    else:
        advice = (
            "allowed are nn.Linear and spiking neurons in turn (nn.Sequential of just these takes "
            "them out of a larger module)"
        )
    return f"{name}: {kind} has no equivalent; {advice}"
