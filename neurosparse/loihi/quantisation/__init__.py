"""From float numbers to the integers of Loihi-style chips: scales, rounding, what was lost."""

from neurosparse.loihi.quantisation.integer_grid import IntegerGrid, SignModeRequest
from neurosparse.loihi.quantisation.result import NeuronLoss, Quantisation, WeightLoss

__all__ = ["IntegerGrid", "NeuronLoss", "Quantisation", "SignModeRequest", "WeightLoss"]
