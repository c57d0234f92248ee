"""Published networks as ready-made builders; each returns a `Model` to hand to `simulate`."""

from neurosparse.models.brunel_2000 import brunel
from neurosparse.models.larva import drosophila_larva
from neurosparse.models.membrane import ExactMembrane
from neurosparse.models.microcircuit import potjans_diesmann
from neurosparse.models.model import Model
from neurosparse.models.vogels_abbott import cuba
from neurosparse.models.worm import c_elegans

__all__ = [
    "ExactMembrane",
    "Model",
    "brunel",
    "c_elegans",
    "cuba",
    "drosophila_larva",
    "potjans_diesmann",
]
