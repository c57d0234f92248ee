"""Which options of the quantiser suit a network: try them on samples."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neurosparse.errors import ExportLimitError, ParameterError
from neurosparse.loihi.quantisation import IntegerGrid, Quantisation, SignModeRequest
from neurosparse.loihi.quantisation.calibration_set import CalibrationSet, accuracy_on
from neurosparse.loihi.quantisation.scale import ScaleRule
from neurosparse.network import Network
from neurosparse.simulate.progress import Progress

__all__ = ["Choice", "Trial", "choose_quantisation"]

PERCENTILES = (100.0, 99.9, 99.5, 99.0, 98.0)


@dataclass(frozen=True)
class Trial:
    """One set of options and what it gave.

    Parameters
    ----------
    grid : IntegerGrid
        The options; also what `neurosparse.train.fit` takes to fine-tune with them.
    accuracy : float
        Share of the samples that the integer network classifies correctly.
    weight_error : float
        See `Quantisation.weight_error`.
    """

    grid: IntegerGrid
    accuracy: float
    weight_error: float


@dataclass(frozen=True)
class Choice:
    """The best of several quantisations.

    Parameters
    ----------
    quantisation : Quantisation
        The best.
    best : Trial
        Its options.
    trials : tuple of Trial
        All that could be carried out, in the order in which they were tried.
    float_accuracy : float
        Of the float network on the same samples.
    """

    quantisation: Quantisation
    best: Trial
    trials: tuple[Trial, ...]
    float_accuracy: float

    def __str__(self) -> str:
        lines = [f"float accuracy {100 * self.float_accuracy:.2f} %"]
        lines += [
            f"{'*' if trial is self.best else ' '} scale {trial.grid.scale:10}  "
            f"percentile {trial.grid.percentile:<5g}  keep_small {trial.grid.keep_small!s:5}  "
            f"accuracy {100 * trial.accuracy:6.2f} %  weight error {100 * trial.weight_error:.3g} %"
            for trial in self.trials
        ]
        return "\n".join(lines)


def choose_quantisation(
    network: Network,
    samples: CalibrationSet,
    *,
    sign_mode: SignModeRequest | Mapping[str, SignModeRequest] = "mixed",
    num_weight_bits: int | Mapping[str, int] = 8,
    scales: Sequence[ScaleRule] = ("population", "projection"),
    percentiles: Sequence[float] = PERCENTILES,
    keep_small: Sequence[bool] = (False, True),
    threads: int = 1,
    progress: bool = False,
) -> Choice:
    """Quantise a network with every combination of options and keep the best.

    Parameters
    ----------
    network : Network
        Float network with one output population.
    samples : CalibrationSet
        Labelled samples; of the training set, so that the test set stays untouched.
    sign_mode, num_weight_bits
        As of `quantise`; the same in all trials.
    scales, percentiles, keep_small : sequence
        Values to try of the options of `quantise` (``scale``, ``percentile``, ``keep_small``).
    threads : int
        How many share the samples; changes no result.
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    Choice
        With the most accurate quantisation; of equals that with the smallest `weight_error`, and
        of these the first. The same samples give the same choice.

    Raises
    ------
    ExportLimitError
        If no combination fits: what the first lacked.
    ParameterError, ShapeError, TopologyError
        If there is nothing to try, the samples have no labels, or an option or the samples do not
        fit the network.
    """
    grids = [
        IntegerGrid(sign_mode, num_weight_bits, scale, percentile, keep)
        for scale, percentile, keep in itertools.product(scales, percentiles, keep_small)
    ]
    if not grids:
        raise ParameterError(
            "scales, percentiles, keep_small: nothing to try; give a value of each"
        )
    float_accuracy = accuracy_on(samples, network, threads=threads)
    found: list[tuple[Trial, Quantisation]] = []
    refused: ExportLimitError | None = None
    with Progress("quantise", len(grids), progress) as bar:
        for grid in grids:
            try:
                quantisation = grid.quantise(network)
            except ExportLimitError as error:
                refused = refused or error
            else:
                accuracy = accuracy_on(samples, quantisation, threads=threads)
                found.append((Trial(grid, accuracy, quantisation.weight_error), quantisation))
            bar.advance(1)
    if refused is not None and not found:
        raise refused
    best, quantisation = min(found, key=lambda pair: (-pair[0].accuracy, pair[0].weight_error))
    return Choice(quantisation, best, tuple(trial for trial, _ in found), float_accuracy)
