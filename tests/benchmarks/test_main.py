from __future__ import annotations

import json
from pathlib import Path

import pytest

import benchmarks.__main__ as command
from benchmarks.harness import Omitted, Outcome, Record

RECORDS = (
    Record.of("fake", "n=1", "time", [1.0, 2.0, 3.0], "ms"),
    Record.of("fake", "n=1", "events", 1234, "1"),
)


@pytest.fixture(autouse=True)
def _fake_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(name: str, *, quick: bool = False) -> Outcome:
        return Outcome(name, RECORDS) if name == "fake" else Outcome(name, (), "no data")

    def draw(outcome: Outcome, folder: Path) -> Path | None:
        return folder / "fake.png" if outcome.records else None

    monkeypatch.setattr(command, "draw", draw)
    monkeypatch.setattr(command, "available", lambda: ("empty", "fake"))
    monkeypatch.setattr(command, "describe", lambda name: f"About {name}.")
    monkeypatch.setattr(command, "run_benchmark", run)


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["empty", "About", "empty."],
                                                ["fake", "About", "fake."]]  # fmt: skip


def test_the_table_goes_to_stdout_and_progress_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["fake"]) == 0
    out, err = capsys.readouterr()
    assert [word in out for word in ("n=1", "time", "ms", "1,234")] == 4 * [True]
    assert err == "fake ...\n"


def test_json_holds_the_records_of_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "deep" / "records.json"
    assert command.main(["--all", "--json", str(target)]) == 0
    assert json.loads(target.read_text()) == [record.as_dict() for record in RECORDS]
    assert [path.name for path in target.parent.iterdir()] == ["records.json"]
    assert "empty: skipped: no data" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["--figures", "{}"], ["--json", "{}/records.json"]])
def test_figures_go_where_asked_or_beside_the_json(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.main(["fake", *(option.format(tmp_path) for option in options)])
    assert f"fake: drew {tmp_path / 'fake.png'}" in capsys.readouterr().err


def test_what_was_left_out_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    command.show(Outcome("fake", RECORDS, omitted=(Omitted("a peer", "not installed"),)))
    assert "fake: a peer left out: not installed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a benchmark, or give --all"),
        (["fake", "nope"], "no benchmark 'nope'; see --list"),
    ],
)
def test_wrong_use_is_told_and_exits_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving:
        command.main(arguments)
    assert leaving.value.code == 2
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""
