"""What a core allows and how it stores synapses, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from neurosparse.errors import ParameterError
from neurosparse.hardware import Chip

__all__ = ["NO_LIMIT", "RESOURCES", "CoreRules"]

NO_LIMIT = 2**62

# What of a core can run out, in the order of the columns of all tables of demand, and the limit of
# the chip's description that says so.
RESOURCES: dict[str, str] = {
    "neurons": "neurons_per_core",
    "input_axons": "input_axons_per_core",
    "output_axons": "output_axons_per_core",
    "synapse_bits": "synapse_bits_per_core",
    "memory_bits": "memory_bits_per_core",
    "neuron_profiles": "neuron_profiles_per_core",
    "threshold_profiles": "threshold_profiles_per_core",
    "synapse_formats": "synapse_formats_per_core",
}


@dataclass(frozen=True)
class CoreRules:
    """What a core allows and how it stores synapses.

    This is the one place where a chip's description becomes numbers for the mapper.

    Parameters
    ----------
    chip : str
        Name of the chip.
    cores_per_chip : int
        Cores that networks may use.
    limits : mapping of str to int or None
        By the names of `RESOURCES`; None where the chip states no limit.
    group_synapses : int
        Synapses of a group at most.
    header_bits, word_bits : int [bit]
        What a group takes beside its synapses, and what it is rounded up to.
    weight_widths, delay_widths : tuple of int [bit]
        Widths a format may have, rising.
    index_widths : tuple of int [bit]
        Widths of a target's number, rising and above 0; dense groups have none.
    bits_per_neuron, bits_per_input_axon, bits_per_output_axon : int [bit]
        What each takes of a memory that all share; 0 where memories are apart.
    delay_max : int or None [steps]
        Longest delay beyond the one step of every projection.
    refractory_max : int or None [steps]
        Longest refractory period.
    message_bits_max : int or None [bit]
        Widest value a spike carries; 0 for none.
    mesh_columns, cores_per_tile, tiles : int
        How the cores of a chip lie; 1, 1 and the number of cores where nothing is stated.
    """

    chip: str
    cores_per_chip: int
    limits: Mapping[str, int | None]
    group_synapses: int
    header_bits: int
    word_bits: int
    weight_widths: tuple[int, ...]
    delay_widths: tuple[int, ...]
    index_widths: tuple[int, ...]
    bits_per_neuron: int = 0
    bits_per_input_axon: int = 0
    bits_per_output_axon: int = 0
    delay_max: int | None = None
    refractory_max: int | None = None
    message_bits_max: int | None = None
    mesh_columns: int = 1
    cores_per_tile: int = 1
    tiles: int = 1

    @classmethod
    def of_chip(cls, chip: Chip, cores_per_chip: int | None = None) -> CoreRules:
        """Read a chip's description.

        Parameters
        ----------
        chip : Chip
            It must say how synapses are stored.
        cores_per_chip : int, optional
            Cores in use of each chip, where a board states them.

        Raises
        ------
        ParameterError
            If the chip has no cores or states no encoding of synapses.
        """
        encoding = chip.encoding
        if encoding is None or chip.limit_or_none("cores") is None:
            raise ParameterError(
                f"chip: {chip.name} states no cores or no encoding of synapses, so nothing can be "
                "placed on it; take loihi1, loihi2 or a file of your own that has both"
            )

        def stated(name: str) -> int | None:
            quantity = chip.limit_or_none(name)
            return None if quantity is None else int(quantity.value)

        widths = tuple(width for width in encoding.index_bits.values if width > 0)
        limits = {resource: stated(limit) for resource, limit in RESOURCES.items()}
        # a synapse says by its index which neuron of the core it goes to
        numbered = 1 << widths[-1]
        limits["neurons"] = min(limits["neurons"] or numbered, numbered)
        cores = cores_per_chip or stated("cores") or 1
        tile = stated("cores_per_tile") or 1
        return cls(
            chip=chip.name,
            cores_per_chip=cores,
            limits=limits,
            group_synapses=int(encoding.group_synapses.value),
            header_bits=int(encoding.header_bits.value),
            word_bits=int(encoding.word_bits.value),
            weight_widths=encoding.weight_bits.values,
            delay_widths=encoding.delay_bits.values,
            index_widths=widths,
            bits_per_neuron=stated("bits_per_neuron") or 0,
            bits_per_input_axon=stated("bits_per_input_axon") or 0,
            bits_per_output_axon=stated("bits_per_output_axon") or 0,
            delay_max=stated("delay_max"),
            refractory_max=stated("refractory_max"),
            message_bits_max=stated("message_bits_max"),
            mesh_columns=stated("mesh_columns") or 1,
            cores_per_tile=tile,
            tiles=stated("tiles") or -(-cores // tile),
        )

    def group_bits(self, n_synapses: int, bits_per_synapse: int) -> int:
        """Return what the synapses of one axon and one projection take [bit].

        Examples
        --------
        >>> from neurosparse.hardware import load_chip
        >>> rules = CoreRules.of_chip(load_chip("loihi1"))
        >>> rules.group_bits(64, 8 + 10), rules.group_bits(4, 8 + 10)
        (1216, 128)
        """
        full, rest = divmod(n_synapses, self.group_synapses)
        total = full * self._rounded(self.group_synapses * bits_per_synapse)
        return total + (self._rounded(rest * bits_per_synapse) if rest else 0)

    def _rounded(self, bits: int) -> int:
        return -(-(bits + self.header_bits) // self.word_bits) * self.word_bits

    def synapse_width(self, num_weight_bits: int, max_delay: int) -> int:
        """Return the bits of a synapse without its index: weight and delay.

        Parameters
        ----------
        num_weight_bits : int [bit]
            Of the format, its sign included.
        max_delay : int [steps]
            Longest delay of the projection, 1 or more; one step is every projection's and free.
        """
        delay = (max_delay - 1).bit_length()
        return _at_least(self.weight_widths, num_weight_bits) + _at_least(self.delay_widths, delay)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return {**asdict(self), "limits": dict(self.limits)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CoreRules:
        """Rebuild from what `to_dict` gave."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**fields)


def _at_least(widths: tuple[int, ...], bits: int) -> int:
    """Return the narrowest width that holds ``bits``; ``bits`` itself where none does."""
    return next((width for width in widths if width >= bits), bits)
