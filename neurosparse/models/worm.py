"""The nervous system of Caenorhabditis elegans."""

from __future__ import annotations

import csv
import re
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import DataError
from neurosparse.models.model import Model
from neurosparse.models.wiring import JUMP_PER_SYNAPSE_MV, Wiring, wiring_model

__all__ = ["GABAERGIC", "c_elegans", "read_worm"]

CHEMICAL = "herm_chem_adj.csv"

# Groups are blocks of the matrix, in its order; each is named here by its first neuron.
BLOCKS = {"I1L": "pharynx", "ASIL": "sensory", "AINL": "inter", "URADL": "motor"}

# McIntire et al. 1993: DD1-6, VD1-13, the four RME, AVL, DVB and RIS, 26 neurons.
GABAERGIC = re.compile(r"DD\d+|VD\d+|RME[LRDV]|AVL|DVB|RIS")

_EXPECTED = (
    f"expected a folder with {CHEMICAL} (SI 5 of Cook et al. 2019, hermaphrodite, chemical: a row "
    "per neuron, a column per cell), from github.com/neurodata/bgm"
)


def c_elegans(
    folder: str | PathLike[str],
    *,
    rng: np.random.Generator,
    rate_hz: float = 50.0,
    jump_mv: float = JUMP_PER_SYNAPSE_MV,
    dt_ms: float = 0.1,
) -> Model:
    """Build a spiking network from the chemical synapses of the hermaphrodite worm.

    300 neurons with weights proportional to the size of the connections. Populations ``pharynx``,
    ``sensory``, ``inter`` and ``motor``; every sensory neuron is made to fire by a Poisson train.

    Parameters
    ----------
    folder : path
        With ``herm_chem_adj.csv``.
    rng : numpy.random.Generator
        For initial membranes.
    rate_hz : float [Hz]
        Of the Poisson train of every sensory neuron, >= 0.
    jump_mv : float [mV]
        What one unit of size adds to the synaptic drive of its target, >= 0; the default is that
        of a synapse of the adult fly.
    dt_ms : float [ms]
        Length of a step.

    Returns
    -------
    Model
        Labels are the names of the neurons.

    Raises
    ------
    DataError
        If the file is missing, foreign or damaged.
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    **Signs are not in the data.** The 26 GABAergic neurons (McIntire et al. 1993) are inhibitory,
    all others excitatory; there is glutamatergic inhibition in the worm, which this leaves out.

    Left out, too: gap junctions (they couple membranes directly, which a network of events does
    not do), muscles and other cells that are no neurons, and CANL and CANR, which make no chemical
    synapse. Groups are the blocks of the published matrix: pharyngeal, sensory, inter- and motor
    neurons, those specific to the sex among the last.

    **Most neurons of the worm do not spike** but signal in a graded way; integrate-and-fire
    neurons, with the parameters of Shiu et al. 2024 for the fly, are a stand-in. What the network
    does shows what such a wiring does under these assumptions, not what a worm does.

    References
    ----------
    Cook et al. 2019, Nature 571:63, doi:10.1038/s41586-019-1352-7, supplementary information 5,
    corrected July 2020 (connectome).
    McIntire, Jorgensen, Kaplan & Horvitz 1993, Nature 364:337, doi:10.1038/364337a0.
    Shiu et al. 2024, Nature 634:210, doi:10.1038/s41586-024-07763-9 (neurons).
    """
    names, sizes = read_worm(folder)
    pre, post = np.nonzero(sizes)
    inhibitory = np.array([GABAERGIC.fullmatch(name) is not None for name in names])
    return wiring_model(
        Wiring(names, _groups(names), inhibitory, pre, post, sizes[pre, post]),
        driven={"sensory": rate_hz},
        order=tuple(BLOCKS.values()),
        jump_mv=jump_mv,
        dt_ms=dt_ms,
        rng=rng,
        reference="C. elegans: Cook et al. 2019; signs and neurons are assumptions",
    )


def _groups(names: tuple[str, ...]) -> NDArray[np.str_]:
    group = next(iter(BLOCKS.values()))
    groups = []
    for name in names:
        group = BLOCKS.get(name, group)
        groups.append(group)
    return np.array(groups)


def read_worm(folder: str | PathLike[str]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Read the names of the neurons and the sizes of connections, (n, n), source by target.

    Raises
    ------
    DataError
        If the file is missing, foreign or damaged.
    """
    path = Path(folder) / CHEMICAL
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head, *rows = csv.reader(file)
        names = tuple(row[0] for row in rows)
        columns = [head.index(name) for name in names]
        sizes = np.array([[float(row[column] or 0) for column in columns] for row in rows])
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise DataError(f"{path}: not the worm's connectome ({error!r}); {_EXPECTED}") from error
    if names[:1] != tuple(BLOCKS)[:1] or not set(BLOCKS) <= set(names):
        raise DataError(f"{path}: rows {names[:3]}...; {_EXPECTED}")
    if not np.isfinite(sizes).all() or (sizes < 0).any():
        raise DataError(f"{path}: sizes of connections must be finite numbers >= 0")
    return names, sizes
