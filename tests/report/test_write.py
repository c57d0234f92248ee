from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neurosparse.errors import StorageError
from neurosparse.loihi import lava_available
from neurosparse.report import MainJob, run_demo, write, write_report
from neurosparse.report.figures import FIGURE_NAMES
from tests.report.conftest import N_SAMPLES


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_report_is_json_page_and_figures(differing_job: MainJob, tmp_path: Path) -> None:
    paths = write_report(differing_job, tmp_path / "new" / "out", "the command")
    pictures = {f"figures/{name}.png" for name in FIGURE_NAMES}
    assert files(tmp_path / "new" / "out") == {"report.json", "report.html", *pictures}
    assert {p.name for p in paths.figures} == {f"{name}.png" for name in FIGURE_NAMES}
    assert json.loads(paths.json.read_text(encoding="utf-8"))["command"] == "the command"
    assert "the command" in paths.html.read_text(encoding="utf-8")


def test_figures_of_an_earlier_report_do_not_stay(
    job: MainJob, differing_job: MainJob, tmp_path: Path
) -> None:
    write_report(differing_job, tmp_path, "x")
    write_report(job, tmp_path, "x")
    assert "figures/lava.png" not in files(tmp_path)
    assert "figures/cost.png" in files(tmp_path)


@pytest.mark.parametrize("part", ["report_dict", "draw_figures", "render_html"])
def test_nothing_is_written_if_a_part_fails(
    job: MainJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(write, part, fail)
    with pytest.raises(RuntimeError, match="broken"):
        write_report(job, tmp_path / "out", "x")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_the_earlier_report_whole(
    job: MainJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(job, tmp_path, "first")
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_report(job, tmp_path, "second")
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


def test_out_that_is_a_file_is_refused_before_any_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("trained first")

    monkeypatch.setattr(write, "run_main_job", never)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StorageError, match="cannot be made a folder"):
        run_demo(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_the_demo_hands_everything_on_and_names_its_command(
    job: MainJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def fake(dataset: str, **options: Any) -> MainJob:
        asked.update(options, dataset=dataset)
        return dataclasses.replace(job, seed=options["seed"])

    monkeypatch.setattr(write, "run_main_job", fake)
    out = tmp_path / "my out"
    report = run_demo(out, seed=7, epochs=2, lava_samples=0, progress=False)
    assert asked["dataset"] == "digits"
    assert (asked["seed"], asked["epochs"], asked["lava_samples"]) == (7, 2, 0)
    assert report == json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["command"] == (
        f"neurosparse demo --out '{out}' --data digits --seed 7 --epochs 2 --lava-samples 0"
    )


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_missing_package_is_named_on_import(package: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from neurosparse.errors import BackendMissingError\n"
        "try:\n    import neurosparse.report\n"
        "except BackendMissingError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"needs {package}, which is not installed" in done.stdout
    assert "pip install 'neurosparse[report]'" in done.stdout


def test_importing_the_report_imports_neither_lava_nor_pyplot() -> None:
    code = (
        "import neurosparse.report, sys; "
        "print('lava' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False", "False"], done.stderr


@pytest.mark.lava
@pytest.mark.skipif(not lava_available(), reason="lava-nc is not installed")
def test_the_whole_demo_with_lava(tmp_path: Path) -> None:
    report = run_demo(tmp_path, epochs=1, lava_samples=N_SAMPLES, progress=False)
    for tag in ("floating_pt", "fixed_pt"):
        check = report["lava"][tag]
        assert check["samples"] == N_SAMPLES
        assert check["spike_mismatches"] == 0
        assert check["spikes_compared"] > 100
        assert check["accuracy"] == check["engine_accuracy"]
        assert check["versions"]["lava"] == "0.10.0"
    assert {"report.json", "report.html", "network.npz", "figures/lava.png"} <= files(tmp_path)
