"""Export to Lava: quantise, write a bundle, run it in Lava, check that every spike agrees."""

from neurosparse.loihi.bundle import Bundle, read_bundle
from neurosparse.loihi.bundle_writing import write_bundle
from neurosparse.loihi.lava import LavaRun, lava_available, run_lava
from neurosparse.loihi.parity import Mismatch, Parity, compare_spikes, compare_traces
from neurosparse.loihi.parity_check import LayerParity, ParityCheck, check_parity
from neurosparse.loihi.quantisation import IntegerGrid, NeuronLoss, Quantisation, WeightLoss
from neurosparse.loihi.quantisation.calibration import Calibration, SpikeChange, calibrate
from neurosparse.loihi.quantisation.calibration_figure import draw_calibration
from neurosparse.loihi.quantisation.calibration_set import CalibrationSet
from neurosparse.loihi.quantisation.choice import Choice, Trial, choose_quantisation
from neurosparse.loihi.quantisation.quantise import quantise, scale_currents

__all__ = [
    "Bundle",
    "Calibration",
    "CalibrationSet",
    "Choice",
    "IntegerGrid",
    "LavaRun",
    "LayerParity",
    "Mismatch",
    "NeuronLoss",
    "Parity",
    "ParityCheck",
    "Quantisation",
    "SpikeChange",
    "Trial",
    "WeightLoss",
    "calibrate",
    "check_parity",
    "choose_quantisation",
    "compare_spikes",
    "compare_traces",
    "draw_calibration",
    "lava_available",
    "quantise",
    "read_bundle",
    "run_lava",
    "scale_currents",
    "write_bundle",
]
