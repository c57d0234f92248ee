"""All choices of the quantiser in one object: what training on the grid and quantising share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import numpy as np

from neurosparse.errors import ParameterError, TopologyError
from neurosparse.loihi.quantisation.result import Quantisation, quantised
from neurosparse.loihi.quantisation.rounding import Rounded, dequantise, round_network
from neurosparse.loihi.quantisation.scale import ScaleRule
from neurosparse.network import Network, SignMode, SynapseFormat, Synapses
from neurosparse.network.checks import check_count
from neurosparse.network.synapse_format import WEIGHT_BITS_MAX, Shift

__all__ = ["IntegerGrid", "SignModeRequest"]

SignModeRequest = Literal["mixed", "excitatory", "inhibitory", "auto"]
Value = TypeVar("Value")


@dataclass(frozen=True)
class IntegerGrid:
    """Where the quantiser puts the numbers of a network; for training on them.

    Called with a float network it returns the same network, in floats, with every weight,
    threshold, bias and decay where `neurosparse.loihi.quantise` with the same choices would put
    them. `neurosparse.train.fit` takes it as ``grid``.

    Parameters
    ----------
    sign_mode, num_weight_bits, scale, percentile, keep_small, shift
        As of `neurosparse.loihi.quantise`.

    Raises
    ------
    ParameterError
        If a value is out of range.

    Examples
    --------
    >>> from neurosparse import LIF, Network, Population, Projection
    >>> synapses = Synapses.from_edges([0, 1], [0, 0], np.array([1.0, -0.4]), n_pre=2, n_post=1)
    >>> net = Network(
    ...     {"in": Population(2), "out": Population(1, LIF())}, [Projection("in", "out", synapses)]
    ... )
    >>> 3 * IntegerGrid(num_weight_bits=3)(net).projections[0].synapses.weights
    array([ 3., -1.], dtype=float32)
    """

    sign_mode: SignModeRequest | Mapping[str, SignModeRequest] = "mixed"
    num_weight_bits: int | Mapping[str, int] = WEIGHT_BITS_MAX
    scale: ScaleRule = "population"
    percentile: float = 100.0
    keep_small: bool = False
    shift: Shift = "sum"

    def __post_init__(self) -> None:
        modes = self.sign_mode.values() if isinstance(self.sign_mode, Mapping) else [self.sign_mode]
        for mode in modes:
            _check_choice("sign_mode", mode, get_args(SignModeRequest))
        bits = self.num_weight_bits
        for each in bits.values() if isinstance(bits, Mapping) else [bits]:
            check_count("num_weight_bits", each, least=1, most=WEIGHT_BITS_MAX)
        _check_choice("scale", self.scale, get_args(ScaleRule))
        _check_choice("shift", self.shift, get_args(Shift))
        given = np.asarray(self.percentile)
        if given.ndim or given.dtype.kind not in "iuf" or not 0 < given <= 100:
            raise ParameterError(
                f"percentile: got {self.percentile!r}; allowed is 0 < value <= 100"
            )
        object.__setattr__(self, "percentile", float(given))
        if not isinstance(self.keep_small, bool | np.bool_):
            raise ParameterError(f"keep_small: got {self.keep_small!r}; expected True or False")

    def __call__(self, network: Network) -> Network:
        """Return ``network`` with every number on the grid; raises as `round`."""
        return dequantise(network, self.round(network))

    def quantise(self, network: Network) -> Quantisation:
        """Return the integer network; see `neurosparse.loihi.quantise`."""
        return quantised(network, self.round(network))

    def round(self, network: Network) -> Rounded:
        """Return the integers for a float network.

        Raises
        ------
        ParameterError, TopologyError, ExportLimitError
            As `neurosparse.loihi.quantise`.
        """
        return round_network(
            network,
            self._formats(network),
            rule=self.scale,
            percentile=self.percentile,
            keep_small=self.keep_small,
        )

    def _formats(self, network: Network) -> dict[str, SynapseFormat]:
        names = [projection.name for projection in network.projections]
        for option in ("sign_mode", "num_weight_bits"):
            given = getattr(self, option)
            unknown = [name for name in given if name not in names] if _is_named(given) else []
            if unknown:
                known = ", ".join(map(repr, names)) or "none"
                raise TopologyError(f"{option}: no projection {unknown[0]!r}; there are {known}")
        default: SignModeRequest = "mixed"
        formats = {}
        for projection in network.projections:
            mode = _choice_for(projection.name, self.sign_mode, default)
            bits = _choice_for(projection.name, self.num_weight_bits, WEIGHT_BITS_MAX)
            resolved = _signs_of(projection.synapses) if mode == "auto" else mode
            formats[projection.name] = SynapseFormat(resolved, bits, shift=self.shift)
        return formats


def _is_named(given: object) -> bool:
    return isinstance(given, Mapping)


def _choice_for(name: str, given: Value | Mapping[str, Value], default: Value) -> Value:
    """Return what holds for a projection, where one value may be for all or each has its own."""
    return given.get(name, default) if isinstance(given, Mapping) else given


def _check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        known = f"{', '.join(map(repr, allowed[:-1]))} or {allowed[-1]!r}"
        raise ParameterError(f"{name}: got {value!r}; allowed is {known}")


def _signs_of(synapses: Synapses) -> SignMode:
    if (synapses.weights >= 0).all():
        return "excitatory"
    return "inhibitory" if (synapses.weights <= 0).all() else "mixed"
