"""The brain of the Drosophila larva."""

from __future__ import annotations

import csv
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import DataError
from neurosparse.models.model import Model
from neurosparse.models.wiring import JUMP_PER_SYNAPSE_MV, Wiring, wiring_model
from neurosparse.network.checks import check_fraction

__all__ = ["drosophila_larva", "read_larva"]

EDGES, NEURONS = "G_edgelist.txt", "meta_data.csv"
GROUPS = ("input", "inter", "output")  # the column "io"
INHIBITORY_CLASSES = ("LNs",)  # of the column "simple_group"
EXCITATORY_CLASSES = ("sensories", "KCs")
_EXPECTED = (
    f"expected a folder with {EDGES} (rows 'source target count') and {NEURONS} (columns '' for "
    "the id, simple_group, io), from github.com/neurodata/bilateral-connectome"
)


def drosophila_larva(
    folder: str | PathLike[str],
    *,
    rng: np.random.Generator,
    inhibitory_share: float = 0.3,
    rate_hz: float = 100.0,
    jump_mv: float = JUMP_PER_SYNAPSE_MV,
    dt_ms: float = 0.1,
) -> Model:
    """Build a spiking network from the connectome of a larval brain (Winding et al. 2023).

    3,554 neurons and 119,010 edges, with weights proportional to the number of synapses.
    Populations ``input`` (sensory and ascending neurons), ``inter`` and ``output`` (descending
    neurons and those to the ring gland); every neuron of ``input`` is made to fire by a Poisson
    train.

    Parameters
    ----------
    folder : path
        With ``G_edgelist.txt`` and ``meta_data.csv``.
    rng : numpy.random.Generator
        For signs and initial membranes.
    inhibitory_share : float
        Share of all neurons that are inhibitory, ``0 <= share <= 1``.
    rate_hz : float [Hz]
        Of the Poisson train of every input neuron, >= 0.
    jump_mv : float [mV]
        What one synapse adds to the synaptic drive of its target, >= 0; the published value of
        the adult fly. About twice as much lets groups of neurons excite one another without end.
    dt_ms : float [ms]
        Length of a step.

    Returns
    -------
    Model
        Labels are the ids of the neurons in ``meta_data.csv``.

    Raises
    ------
    DataError
        If a file is missing, foreign or damaged.
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    **Signs are not in the data.** They are assigned, per neuron:

    - inhibitory: local neurons (class ``LNs``, 110). Those of the antennal lobe are GABAergic or
      glutamatergic (Berck et al. 2016), and APL of the mushroom body is GABAergic
      (Masuda-Nakagawa et al. 2014); that all others of the class are inhibitory is our assumption.
    - excitatory: sensory neurons and Kenyon cells, which are cholinergic in flies.
    - all others at random, so many that ``inhibitory_share`` of all neurons is inhibitory. The
      share is our choice, not a measurement.

    **Neurons are not in the data either.** All have the parameters that Shiu et al. 2024 use for
    the adult fly: 0.275 mV per synapse, 20 and 5 ms, threshold 7 mV above rest, delay 1.8 ms. What
    the network does shows what such a wiring does under these assumptions, not what a larva does.

    References
    ----------
    Winding et al. 2023, Science 379:eadd9330, doi:10.1126/science.add9330 (connectome).
    Pedigo et al. 2023, eLife 12:e83739, doi:10.7554/eLife.83739 (the release read here).
    Berck et al. 2016, eLife 5:e14859, doi:10.7554/eLife.14859.
    Masuda-Nakagawa et al. 2014, Front Neural Circuits 8:35, doi:10.3389/fncir.2014.00035.
    Shiu et al. 2024, Nature 634:210, doi:10.1038/s41586-024-07763-9 (neurons).
    """
    share = check_fraction("inhibitory_share", inhibitory_share, open_below=False)
    names, classes, groups, (pre, post, counts) = read_larva(folder)
    inhibitory = _assign_signs(classes, share, rng)
    return wiring_model(
        Wiring(names, groups, inhibitory, pre, post, counts),
        driven={"input": rate_hz},
        order=GROUPS,
        jump_mv=jump_mv,
        dt_ms=dt_ms,
        rng=rng,
        reference="Drosophila larva: Winding et al. 2023; signs and neurons are assumptions",
    )


def _assign_signs(
    classes: NDArray[np.str_], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    inhibitory = np.isin(classes, INHIBITORY_CLASSES)
    free = np.flatnonzero(~inhibitory & ~np.isin(classes, EXCITATORY_CLASSES))
    n_more = round(share * classes.size) - int(inhibitory.sum())
    inhibitory[rng.choice(free, min(max(n_more, 0), free.size), replace=False)] = True
    return inhibitory


def read_larva(
    folder: str | PathLike[str],
) -> tuple[
    tuple[str, ...],
    NDArray[np.str_],
    NDArray[np.str_],
    tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
]:
    """Read the neurons that have synapses (ids, classes, groups) and the edges among them.

    Raises
    ------
    DataError
        If a file is missing, foreign or damaged.
    """
    place = Path(folder)
    try:
        with (place / NEURONS).open(newline="", encoding="utf-8") as file:
            known = {int(row[""]): (row["simple_group"], row["io"]) for row in csv.DictReader(file)}
        edges = np.loadtxt(place / EDGES, dtype=np.float64, ndmin=2)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise DataError(f"{place}: not the larval connectome ({error!r}); {_EXPECTED}") from error
    if edges.shape[1:] != (3,) or not edges.size:
        raise DataError(f"{place / EDGES}: got shape {edges.shape}; {_EXPECTED}")
    ids, ends = np.unique(edges[:, :2].astype(np.int64), return_inverse=True)
    strangers = [neuron for neuron in ids.tolist() if neuron not in known]
    if strangers:
        raise DataError(
            f"{place}: {len(strangers)} neurons of {EDGES} are not in {NEURONS} (first: "
            f"{strangers[0]}); the files belong to different releases"
        )
    classes, groups = np.array([known[neuron] for neuron in ids.tolist()]).T
    if not np.isin(groups, GROUPS).all():
        raise DataError(f"{place / NEURONS}: column io has {set(groups)}; expected {GROUPS}")
    counts = edges[:, 2]
    if not (np.isfinite(counts) & (counts > 0)).all():
        raise DataError(f"{place / EDGES}: counts must be finite numbers > 0")
    pre, post = ends.reshape(-1, 2).T
    n_twice = pre.size - np.unique(pre * ids.size + post).size
    if n_twice:
        raise DataError(f"{place / EDGES}: {n_twice} pairs stand twice; expected each edge once")
    return tuple(map(str, ids.tolist())), classes, groups, (pre, post, counts)
