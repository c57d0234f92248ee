"""Pictures of runs and networks, one call each; every call returns matplotlib's Axes."""

from neurosparse.plot.histograms import degrees, weights
from neurosparse.plot.raster import raster
from neurosparse.plot.rates import rates

__all__ = ["degrees", "raster", "rates", "weights"]
