"""Write a report: everything is drawn before the first file is touched."""

from __future__ import annotations

import contextlib
import json
import shlex
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from neurosparse.errors import StorageError
from neurosparse.network.atomic import atomic_write
from neurosparse.report.document import report_dict
from neurosparse.report.figures import FIGURE_NAMES, draw_figures
from neurosparse.report.html import render_html
from neurosparse.report.main_job import MainJob, run_main_job

__all__ = ["ReportPaths", "run_demo", "write_report"]


@dataclass(frozen=True)
class ReportPaths:
    """Where a report lies.

    Parameters
    ----------
    json, html : Path
        The data and the page.
    figures : tuple of Path
        One PNG per figure.
    """

    json: Path
    html: Path
    figures: tuple[Path, ...]


def write_report(job: MainJob, out: str | PathLike[str], command: str) -> ReportPaths:
    """Write ``report.json``, ``report.html`` and ``figures/*.png`` into a folder.

    Parameters
    ----------
    job : MainJob
        Outcome of `run_main_job`.
    out : path
        Folder; made if it is missing.
    command : str
        Command line that makes the same report again.

    Returns
    -------
    ReportPaths

    Raises
    ------
    StorageError
        If the folder cannot be made.

    Notes
    -----
    Each file is put in place whole, and nothing is written unless everything could be made. A
    figure of an earlier report that this one lacks is removed.
    """
    document = report_dict(job, command)
    figures = draw_figures(job)
    html = render_html(document, figures)
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"

    folder = _make_folder(out)
    pictures = {name: folder / "figures" / f"{name}.png" for name in FIGURE_NAMES}
    for name, path in pictures.items():
        if name in figures:
            _write(path, figures[name].png)
        else:
            path.unlink(missing_ok=True)
    paths = ReportPaths(
        folder / "report.json",
        folder / "report.html",
        tuple(path for name, path in pictures.items() if name in figures),
    )
    _write(paths.json, text.encode())
    _write(paths.html, html.encode())
    return paths


def run_demo(
    out: str | PathLike[str],
    *,
    dataset: str = "digits",
    seed: int = 0,
    epochs: int | None = None,
    lava_samples: int = 50,
    interpreter: str | PathLike[str] | None = None,
    timeout_s: float = 600.0,
    progress: bool = True,
    command: str | None = None,
) -> dict[str, Any]:
    """Run the main job and write its report.

    Parameters
    ----------
    out : path
        Folder for the report, the trained network and the Lava bundle; made first.
    dataset, seed, epochs, lava_samples, interpreter, timeout_s, progress
        As in `run_main_job`.
    command : str, optional
        What the report names as the way to make it again; default the ``neurosparse demo`` that
        has these arguments.

    Returns
    -------
    dict
        What ``report.json`` holds.

    Raises
    ------
    StorageError
        If the folder cannot be made.
    NeurosparseError
        What `run_main_job` raises.
    """
    new = not Path(out).exists()
    folder = _make_folder(out)
    try:
        job = run_main_job(
            dataset,
            out=folder,
            seed=seed,
            epochs=epochs,
            lava_samples=lava_samples,
            interpreter=interpreter,
            timeout_s=timeout_s,
            progress=progress,
        )
    except BaseException:
        if new:
            with contextlib.suppress(OSError):  # it holds results already
                folder.rmdir()
        raise
    if command is None:
        command = _command(out, dataset, seed, epochs, lava_samples)
    paths = write_report(job, folder, command)
    document: dict[str, Any] = json.loads(paths.json.read_text(encoding="utf-8"))
    return document


def _command(
    out: str | PathLike[str], dataset: str, seed: int, epochs: int | None, lava_samples: int
) -> str:
    words = ["neurosparse", "demo", "--out", str(out), "--data", dataset, "--seed", str(seed)]
    if epochs is not None:
        words += ["--epochs", str(epochs)]
    return shlex.join([*words, "--lava-samples", str(lava_samples)])


def _make_folder(out: str | PathLike[str]) -> Path:
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"out: {folder} cannot be made a folder ({error.strerror}); name another"
        ) from error
    return folder


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as file:
        file.write(content)
