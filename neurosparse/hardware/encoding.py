"""How a core stores synapses: the constants a mapper computes memory from."""

from __future__ import annotations

from dataclasses import dataclass

from neurosparse.hardware.quantity import Choice, Quantity

__all__ = ["SynapseEncoding"]


@dataclass(frozen=True)
class SynapseEncoding:
    """Constants of the memory that the synapses of an input axon take.

    An axon's synapses are stored in groups of up to ``group_synapses``; a group of ``g`` takes::

        ceil((g (weight + delay + tag + index) + header) / word) word      bits

    with the same widths for all synapses of a format, and an index of 0 bits where the targets
    follow each other (dense).

    Parameters
    ----------
    group_synapses : Quantity [1]
        Synapses in a group at most.
    header_bits, word_bits : Quantity [bit]
        What a group takes beside its synapses, and what it is rounded up to.
    weight_bits, index_bits, delay_bits, tag_bits : Choice [bit]
        Widths that a format may have.

    References
    ----------
    nengo-loihi, ``block.py``, ``SynapseConfig.bits_per_axon``.
    """

    group_synapses: Quantity
    header_bits: Quantity
    word_bits: Quantity
    weight_bits: Choice
    index_bits: Choice
    delay_bits: Choice
    tag_bits: Choice
