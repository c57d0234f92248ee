"""Event-driven simulation: float and bit-accurate fixed-point engines."""

from neurosparse.simulate.run import Probe, Run, simulate

__all__ = ["Probe", "Run", "simulate"]
