"""Boards: what ships, and what a broken one is told."""

import pytest

from neurosparse.errors import ParameterError, StorageError
from neurosparse.hardware import available_boards, load_board, load_chip
from tests.hardware.test_bad_files import GOOD as CHIP
from tests.hardware.test_bad_files import quantity, write

BOARD = '[board]\nname = "two"\ntitle = "Two"\nchip = "loihi1"\narrangement = "side by side"\n'
GOOD = BOARD + quantity("board.n_chips", 2, "1")


@pytest.mark.parametrize(
    ("name", "chip", "chips", "cores"),
    [
        ("kapoho-bay", "loihi1", 2, 256),
        ("nahuku-8", "loihi1", 8, 1024),
        ("nahuku-32", "loihi1", 32, 4096),
        ("pohoiki-springs", "loihi1", 768, 98_304),
        ("oheo-gulch", "loihi2", 1, 120),
        ("kapoho-point", "loihi2", 8, 960),
        ("alia-point", "loihi2", 128, 15_360),
        ("hala-point", "loihi2", 1152, 140_544),  # as published
    ],
)
def test_boards_that_ship(name, chip, chips, cores):
    board = load_board(name)
    assert board.chip == load_chip(chip)
    assert (board.n_chips.value, board.n_cores) == (chips, cores)
    assert board.n_chips.source.strip()


def test_the_boards_of_the_issue_ship():
    assert available_boards() == (
        "alia-point",
        "hala-point",
        "kapoho-bay",
        "kapoho-point",
        "nahuku-32",
        "nahuku-8",
        "oheo-gulch",
        "pohoiki-springs",
    )


def test_a_number_without_a_public_source_is_low_in_confidence():
    assert load_board("alia-point").n_chips.confidence == "low"


def test_a_board_of_ones_own(tmp_path):
    board = load_board(write(tmp_path, GOOD, "two"))
    assert (board.title, board.arrangement, board.notes) == ("Two", "side by side", "")
    assert board.n_cores == 256
    fewer = GOOD + quantity("board.cores_per_chip", 100, "1")
    assert load_board(write(tmp_path, fewer, "two")).n_cores == 200


def test_a_board_of_ones_own_chip(tmp_path):
    write(tmp_path, CHIP + quantity("limits.cores", 5, "1"))
    board = load_board(write(tmp_path, GOOD.replace('"loihi1"', '"mine.toml"'), "two"))
    assert board.chip.name == "mine"
    assert board.n_cores == 10


def test_all_problems_are_told_together(tmp_path):
    broken = (
        GOOD.replace('name = "two"', 'name = "one"\ncolour = "red"')
        .replace('"loihi1"', '"loihi7"')
        .replace("value = 2", "value = 0")
    )
    with pytest.raises(StorageError) as caught:
        load_board(write(tmp_path, broken + "[chip]\n", "two"))
    message = str(caught.value)
    for part in (
        "5 problems",
        "[chip]: unknown; known are board",
        "[board] colour: unknown",
        "[board] name: got 'one'; must be the file's, 'two'",
        "[board] chip: got 'loihi7'; allowed is cmos-45nm, loihi1, loihi2, or a file beside",
        "[board.n_chips] value: got 0; must be at least 1",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("board = 3", "board: must be a table"),
        ("", r"\[board\] name: must be text, not empty"),
        (BOARD, r"\[board.n_chips\] is missing"),
        (GOOD.replace('chip = "loihi1"', "chip = 3"), r"\[board\] chip: must be text, not empty"),
        (BOARD + quantity("board.n_chips", 1.5, "1"), "must be a whole number"),
        (BOARD + "[board.n_chips]\nvalue = 2\n", "must have exactly value, unit, source"),
        (
            GOOD + quantity("board.cores_per_chip", 129, "1"),
            r"\[board.cores_per_chip\] is 129; loihi1 has 128",
        ),
        (GOOD + "[board.cores_per_chip]\nvalue = 2\n", r"\[board.cores_per_chip\] must have exac"),
    ],
)
def test_one_problem(tmp_path, text, match):
    with pytest.raises(StorageError, match=match):
        load_board(write(tmp_path, text, "two"))


def test_a_broken_chip_is_told_with_its_board(tmp_path):
    write(tmp_path, CHIP.replace("value = 64\n", "value = 0\n"))
    broken = GOOD.replace('"loihi1"', '"mine.toml"').replace("value = 2", "value = 0")
    with pytest.raises(StorageError, match=r"(?s)n_chips\] value: got 0.*mine.toml: 1 problem.*gr"):
        load_board(write(tmp_path, broken, "two"))


def test_an_unknown_board_names_the_known_ones():
    with pytest.raises(ParameterError, match="board: got 'nahuku'; allowed is alia-point, hala"):
        load_board("nahuku")
    with pytest.raises(ParameterError, match="chip: got 'nahuku-8'"):  # a board is no chip
        load_chip("nahuku-8")
