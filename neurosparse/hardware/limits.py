"""The names of limits: what a chip description may state about a core, and in which unit."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["LIMITS", "ORDERED", "LimitName"]


class LimitName(NamedTuple):
    """What a limit means.

    Parameters
    ----------
    unit : str
        The one unit it is stated in.
    meaning : str
        In a few words, for tables.
    least : int or None
        Smallest value that makes sense; None where it may be negative.
    """

    unit: str
    meaning: str
    least: int | None = 1


LIMITS: dict[str, LimitName] = {
    # the chip
    "cores": LimitName("1", "cores that networks may use"),
    "cores_on_die": LimitName("1", "cores that the silicon has"),
    "tiles": LimitName("1", "tiles, each with a router of the mesh"),
    "cores_per_tile": LimitName("1", "cores that share a router"),
    "mesh_columns": LimitName("1", "tiles from east to west"),
    "mesh_rows": LimitName("1", "tiles from north to south"),
    "synapses_per_chip": LimitName("1", "synapses, as advertised"),
    # the memories of a core
    "neurons_per_core": LimitName("1", "neurons"),
    "input_axons_per_core": LimitName("1", "sources whose spikes a core can take"),
    "output_axons_per_core": LimitName("1", "pairs of neuron and core it sends to"),
    "synapse_bits_per_core": LimitName("bit", "memory for synapses alone"),
    "memory_bits_per_core": LimitName("bit", "memory that synapses, axons and neurons share"),
    "bits_per_neuron": LimitName("bit", "what a neuron takes of the shared memory", 0),
    "bits_per_input_axon": LimitName("bit", "what an input axon takes of the shared memory", 0),
    "bits_per_output_axon": LimitName("bit", "what an output axon takes of the shared memory", 0),
    "neuron_profiles_per_core": LimitName("1", "distinct decays, refractory periods and flags"),
    "threshold_profiles_per_core": LimitName("1", "distinct thresholds"),
    "synapse_formats_per_core": LimitName("1", "distinct synapse formats"),
    # the widths of numbers
    "weight_bits_max": LimitName("bit", "widest weight, without a sign of its own"),
    "weight_exponent_min": LimitName("1", "smallest exponent of weights", None),
    "weight_exponent_max": LimitName("1", "largest exponent of weights", None),
    "message_bits_max": LimitName("bit", "widest value a spike carries; 0 for none", 0),
    "decay_bits": LimitName("bit", "width of the decays of u and v"),
    "threshold_mantissa_bits": LimitName("bit", "width of a threshold's mantissa"),
    "threshold_exponent": LimitName("1", "fixed exponent of a threshold", 0),
    "bias_mantissa_bits": LimitName("bit", "width of a bias's mantissa, with sign"),
    "bias_exponent_max": LimitName("1", "largest exponent of a bias", 0),
    "current_bits": LimitName("bit", "width of u, with sign"),
    "voltage_bits": LimitName("bit", "width of v, with sign"),
    "delay_max": LimitName("step", "longest delay beyond the one step of every projection", 0),
    "refractory_max": LimitName("step", "longest refractory period, 0 for none", 0),
}

# Whatever stands first must not exceed the second, where a file states both.
ORDERED: tuple[tuple[str, str], ...] = (
    ("weight_exponent_min", "weight_exponent_max"),
    ("cores", "cores_on_die"),
    ("synapse_bits_per_core", "memory_bits_per_core"),
    ("cores_per_tile", "cores_on_die"),
    ("mesh_columns", "tiles"),
    ("mesh_rows", "tiles"),
)
