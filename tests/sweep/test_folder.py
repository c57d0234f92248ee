"""The folder of a study: what may be there before, what is left behind, whom it belongs to."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from neurosparse.errors import ParameterError, StorageError
from neurosparse.sweep import Study, read_study
from neurosparse.sweep.folder import StudyFolder
from tests.sweep.tasks import instant


def begun(folder: Path, study: Study, *, finished: int = 0, failed: int = 0) -> StudyFolder:
    """Return a folder in which a study was stopped after some cells."""
    place = StudyFolder(folder, study)
    with place.locked():
        cells = study.cells()
        for cell in cells[:finished]:
            place.save(cell, instant(cell))
        for cell in cells[finished : finished + failed]:
            place.save_failure(cell, "Traceback: it broke")
    return place


def test_a_sweep_killed_before_its_study_is_written_starts_anew(
    small_study: Study, tmp_path: Path
) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / ".lock").touch()
    (tmp_path / ".study.json.x7a_0b").write_text('{"version": "0.')
    begun(tmp_path, small_study)
    assert read_study(tmp_path)[1] == small_study
    assert {entry.name for entry in tmp_path.iterdir()} <= {"cells", ".lock", "study.json"}


def test_cells_of_nobody_are_left_alone(small_study: Study, tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "mine.json").touch()
    with pytest.raises(ParameterError, match="holds other files"):
        StudyFolder(tmp_path, small_study)


def test_the_study_is_written_before_anything_else(small_study: Study, tmp_path: Path) -> None:
    with StudyFolder(tmp_path / "out", small_study).locked():
        names = {entry.name for entry in (tmp_path / "out").iterdir()}
    assert names == {".lock", "study.json"}


def test_the_error_of_a_cell_that_has_finished_since_is_forgotten(
    small_study: Study, tmp_path: Path
) -> None:
    place = begun(tmp_path, small_study, finished=1, failed=1)
    done, broken = small_study.cells()[:2]
    place.save_failure(done, "of an earlier try")
    assert list(place.failures()) == [broken.key]
    assert not (tmp_path / "cells" / f"{done.key}.error.json").exists()
    assert len(place.rows()) == 1


def test_without_results_another_study_takes_the_folder(small_study: Study, tmp_path: Path) -> None:
    begun(tmp_path, small_study, failed=3)
    other = dataclasses.replace(small_study, data="mnist", seeds=[5])
    place = begun(tmp_path, other, failed=1)
    assert read_study(tmp_path)[1] == other
    assert list(place.failures()) == [other.cells()[0].key]
    assert len(list((tmp_path / "cells").iterdir())) == 1


def test_with_one_result_it_does_not(small_study: Study, tmp_path: Path) -> None:
    begun(tmp_path, small_study, finished=1, failed=1)
    other = dataclasses.replace(small_study, epochs=3, seeds=[0, 1, 2])  # grown, too
    with pytest.raises(ParameterError, match="another study, with other epochs; name"):
        StudyFolder(tmp_path, other)
    assert read_study(tmp_path)[1] == small_study
    assert len(list((tmp_path / "cells").iterdir())) == 2


def test_a_result_in_the_meantime_counts(small_study: Study, tmp_path: Path) -> None:
    begun(tmp_path, small_study)
    late = StudyFolder(tmp_path, dataclasses.replace(small_study, epochs=9))
    begun(tmp_path, small_study, finished=1)
    with pytest.raises(ParameterError, match="another study, with other epochs"), late.locked():
        pass
    assert read_study(tmp_path)[1] == small_study


def test_a_damaged_study_is_not_taken_for_ours(small_study: Study, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text('{"mine": 1}')
    with pytest.raises(StorageError, match="not the study of a sweep"):
        StudyFolder(tmp_path, small_study)


def test_a_row_that_lacks_a_column_counts_as_not_there(small_study: Study, tmp_path: Path) -> None:
    place = begun(tmp_path, small_study, finished=3)
    files = [tmp_path / "cells" / f"{cell.key}.json" for cell in small_study.cells()[:3]]
    rows = [json.loads(file.read_text()) for file in files]
    del rows[0]["energy_joule"]
    del rows[1]["epoch_rows"][0]["layer"]
    for file, row in zip(files, rows, strict=True):
        file.write_text(json.dumps(row))
    assert [row["key"] for row in place.rows()] == [rows[2]["key"]]
    assert len(place.unfinished()) == 7
