"""Export to Lava: quantise, write a bundle, run it in Lava, check that every spike agrees."""

from neurosparse.loihi.bundle import Bundle, read_bundle, write_bundle
from neurosparse.loihi.lava import LavaRun, lava_available, run_lava
from neurosparse.loihi.parity import (
    Mismatch,
    Parity,
    ParityCheck,
    check_parity,
    compare_spikes,
    compare_traces,
)
from neurosparse.loihi.quantise import Quantisation, quantise, scale_currents

__all__ = [
    "Bundle",
    "LavaRun",
    "Mismatch",
    "Parity",
    "ParityCheck",
    "Quantisation",
    "check_parity",
    "compare_spikes",
    "compare_traces",
    "lava_available",
    "quantise",
    "read_bundle",
    "run_lava",
    "scale_currents",
    "write_bundle",
]
