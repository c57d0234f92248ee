"""Event-driven simulation: float and bit-accurate fixed-point engines."""

from neurosparse.simulate.batch import BatchRun, simulate_batch
from neurosparse.simulate.between import Between, Moment
from neurosparse.simulate.overflows import Overflow
from neurosparse.simulate.probes import Probe
from neurosparse.simulate.run import Run, simulate
from neurosparse.simulate.state import State
from neurosparse.simulate.stimuli import NoiseCurrent, Poisson, StepCurrent
from neurosparse.simulate.stream import Recording

__all__ = [
    "BatchRun",
    "Between",
    "Moment",
    "NoiseCurrent",
    "Overflow",
    "Poisson",
    "Probe",
    "Recording",
    "Run",
    "State",
    "StepCurrent",
    "simulate",
    "simulate_batch",
]
