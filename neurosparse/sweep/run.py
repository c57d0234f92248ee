"""Run a study: every cell that is not finished yet, on Ray."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any

from neurosparse.errors import BackendMissingError
from neurosparse.network.checks import check_count
from neurosparse.sweep.cell import Row, run_cell
from neurosparse.sweep.folder import StudyFolder
from neurosparse.sweep.pool import import_ray, ray_pool
from neurosparse.sweep.progress import Progress
from neurosparse.sweep.study import Cell, Study
from neurosparse.sweep.suitability import check_study
from neurosparse.sweep.tables import import_pyarrow, write_tables
from neurosparse.sweep.worker import Task, known_data_folder, work

__all__ = ["SweepResult", "run_study"]

_TRIES = 2  # of a cell whose worker dies: killed, out of memory, or its machine gone
_WAIT_S = 1.0


@dataclass(frozen=True)
class SweepResult:
    """What a sweep has come to.

    Parameters
    ----------
    folder : Path
        Where everything lies.
    rows : list of dict
        Of all finished cells of the study, by key; `run_cell` says what they hold.
    failures : dict of str to str
        Traceback of every cell that failed, by key.
    n_run : int
        Cells that finished in this run; the others had finished before.
    """

    folder: Path
    rows: list[Row]
    failures: dict[str, str]
    n_run: int


def run_study(
    study: Study,
    folder: str | PathLike[str],
    *,
    address: str | None = None,
    workers: int | None = None,
    progress: bool = True,
    tell: Callable[[str], None] | None = None,
    figures: bool = True,
    task: Task = run_cell,
) -> SweepResult:
    """Run all cells of a study that are not finished, and write tables and figures.

    Parameters
    ----------
    study : Study
        What to run.
    folder : path
        Takes ``study.json``, a file per cell in ``cells/``, the tables and ``figures/``. If a sweep
        of this study was interrupted in it, finished cells are kept and the others run.
    address : str, optional
        Of a Ray cluster to run on: ``"auto"`` or ``"host:port"``. Default: a pool on this machine.
    workers : int, optional
        Cells at a time. Default: one per core of the pool, or as many as the cluster takes.
    progress : bool
        Show a bar on stderr with the time that is left and the last accuracy.
    tell : callable, optional
        Takes lines that say what is going on, for logs.
    figures : bool
        Draw figures in the end.
    task : callable
        ``cell -> row``, in place of `run_cell`; has to be importable on the workers. It may
        register recipes of its own in `neurosparse.sparsify.CATALOGUE` before it calls `run_cell`.

    Returns
    -------
    SweepResult
        A cell that raises, or whose worker dies twice, is among its failures and does not stop the
        others; it is tried again when the sweep is started again.

    Raises
    ------
    BackendMissingError
        If ray, pyarrow or matplotlib is not installed.
    ParameterError
        If the folder belongs to something else, another sweep runs in it, no cluster answers at
        the address, or settings do not fit the data set (`run_cell` on this machine only; on a
        cluster, where data sets may lie elsewhere, cells find that out).
    DataError
        If the data set is missing or damaged; on this machine as well.
    PoolError
        If Ray cannot start a pool on this machine.

    Notes
    -----
    Every result is on disk before the next one is waited for, so that whatever ends this process
    costs no more than the cells that were running. Rows depend on their cells only: an interrupted
    sweep gives the table of an uninterrupted one, but for `TIME_COLUMNS`.
    """
    if workers is not None:
        check_count("workers", workers, least=1)
    here = address is None and task is run_cell
    _check_parts(here=here, figures=figures)
    place = StudyFolder(folder, study)
    if here and not place.rows():  # a cell that has finished has shown that it works
        check_study(study)
    # nothing is written before there is somebody to do the work
    pool: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
    if place.unfinished():
        pool = ray_pool(address, workers)
    with pool as ray, place.locked():
        earlier, waiting = place.rows(), place.unfinished()
        try:
            with contextlib.closing(Progress(earlier, waiting, progress, tell)) as shown:
                if waiting:
                    shown.start(int(ray.cluster_resources().get("CPU", 1)), workers)
                    for cell, row, error in _results(ray, waiting, workers, task):
                        if row is None:
                            place.save_failure(cell, error)
                        else:
                            place.save(cell, row)
                        shown.add(cell, row)
        finally:  # also where somebody interrupts
            rows = place.rows()
            write_tables(rows, place.path)
        if figures and rows:
            from neurosparse.sweep.figures import page_shows, write_figures

            if not page_shows(rows, place.path):
                write_figures(rows, place.path)
    return SweepResult(place.path, rows, place.failures(), len(rows) - len(earlier))


def _check_parts(*, here: bool, figures: bool) -> None:
    """Raise before the work where something is missing that it, or its end, needs."""
    import_ray()
    import_pyarrow()
    needed = {"torch": "train"} if here else {}
    needed |= {"matplotlib": "sweep"} if figures else {}
    for package, extra in needed.items():
        if find_spec(package) is None:
            raise BackendMissingError(
                f"sweeps need {package}, which is not installed; pip install 'neurosparse[{extra}]'"
            )


def _results(
    ray: Any, cells: list[Cell], at_a_time: int | None, task: Task
) -> Iterator[tuple[Cell, Row | None, str]]:
    """Run cells; yield each with its row, or None and the error, as they come."""
    remote = ray.remote(num_cpus=1, max_retries=0)(work)
    data_folder = known_data_folder()
    waiting, tries = list(reversed(cells)), dict.fromkeys(cells, 0)
    running: dict[Any, Cell] = {}
    while waiting or running:
        while waiting and (at_a_time is None or len(running) < at_a_time):
            cell = waiting.pop()
            tries[cell] += 1
            running[remote.remote(task, cell, data_folder)] = cell
        ready, _ = ray.wait(list(running), timeout=_WAIT_S)
        for reference in ready:
            cell = running.pop(reference)
            try:
                outcome = ray.get(reference)
            except ray.exceptions.RayError as error:  # its worker died, or could not begin
                if tries[cell] < _TRIES:
                    waiting.append(cell)
                else:
                    yield cell, None, f"{type(error).__name__}: {error}"
                continue
            yield cell, outcome.get("row"), outcome.get("error", "")
