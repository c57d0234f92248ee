"""Chip files of one's own, and what a broken one is told."""

import pytest

from neurosparse.errors import ParameterError, StorageError
from neurosparse.hardware import Chip, Choice, available_chips, load_chip


def quantity(where, value, unit):
    return f'[{where}]\nvalue = {value}\nunit = "{unit}"\nsource = "me"\nconfidence = "low"\n'


def choice(where, values):
    return f'[{where}]\nvalues = {values}\nunit = "bit"\nsource = "me"\nconfidence = "low"\n'


GOOD = (
    '[chip]\nname = "mine"\ntitle = "My chip"\ndefault_table = "own"\n'
    '[tables.own]\ntitle = "My table"\n'
    '[tables.own.prices]\nmac = "mac"\nneuron_update_active = ["idle", "busy"]\nbarrier = "wait"\n'
    + quantity("tables.own.energy.mac", 2, "nJ")
    + quantity("tables.own.energy.busy", 1, "pJ")
    + quantity("tables.own.energy.idle", 900, "fJ")
    + quantity("tables.own.time.wait", 1.5, "us")
    + quantity("limits.weight_exponent_min", -7, "1")
    + quantity("limits.weight_exponent_max", 7, "1")
    + quantity("limits.tiles", 6, "1")
    + quantity("limits.mesh_columns", 3, "1")
    + quantity("limits.mesh_rows", 2, "1")
    + quantity("encoding.group_synapses", 64, "1")
    + quantity("encoding.header_bits", 0, "bit")
    + quantity("encoding.word_bits", 32, "bit")
    + choice("encoding.weight_bits", [8])
    + choice("encoding.index_bits", [0, 10])
    + choice("encoding.delay_bits", [0])
    + choice("encoding.tag_bits", [0])
)


def write(tmp_path, text, name="mine"):
    path = tmp_path / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_ones_own(tmp_path):
    for path in (write(tmp_path, GOOD), str(tmp_path / "mine.toml")):
        chip = load_chip(path)
        assert isinstance(chip, Chip)
        assert chip.limit("weight_exponent_min").si == -7
        table = chip.table()
        assert [bound.si for bound in table.price("mac")] == [2e-9, 2e-9]
        bounds = [bound.si for bound in table.price("neuron_update_active")]
        assert bounds == pytest.approx([9e-13, 1e-12])  # whatever their order in the file
        assert table.time_of("barrier")[0].si == pytest.approx(1.5e-6)
        assert table.energy_of("barrier") is None
        assert chip.encoding.index_bits == Choice((0, 10), "bit", "me", "low")


def test_limits_in_order_may_be_equal(tmp_path):
    chip = load_chip(write(tmp_path, GOOD.replace("value = 7\n", "value = -7\n", 1)))
    least, most = (chip.limit(f"weight_exponent_{end}").value for end in ("min", "max"))
    assert least == most == -7


def test_a_file_needs_no_more_than_a_name_and_a_title(tmp_path):
    chip = load_chip(write(tmp_path, '[chip]\nname = "mine"\ntitle = "x"\n'))
    assert (dict(chip.limits), chip.encoding, dict(chip.tables)) == ({}, None, {})
    with pytest.raises(ParameterError, match="table: mine has none called None; there are none"):
        chip.table()
    with pytest.raises(ParameterError, match="limit: mine states no 'cores'; it states none"):
        chip.limit("cores")


@pytest.mark.parametrize("name", ["loihi3", "", "no/such/file.toml"])
def test_an_unknown_chip_names_the_known_ones(name):
    with pytest.raises(ParameterError, match="allowed is cmos-45nm, loihi1, loihi2, or the path"):
        load_chip(name)


def test_all_problems_are_told_together(tmp_path):
    broken = (
        GOOD.replace('name = "mine"', 'name = "yours"\ncolour = "red"')
        .replace('default_table = "own"', 'default_table = "owned"')
        .replace("value = 2\n", "value = nan\n", 1)
        .replace('unit = "fJ"', 'unit = "kWh"')
        .replace('confidence = "low"', 'confidence = "sure"', 1)
        .replace("value = 1.5", "value = -1.5")
        .replace("[limits.tiles]", "[limits.tile]")
        .replace('["idle", "busy"]', '["sleep", "busy"]\nteleport = "mac"')
        .replace("value = 7\n", "value = -9\n")
        .replace("values = [8]", "values = [8, 4]")
    )
    with pytest.raises(StorageError) as caught:
        load_chip(write(tmp_path, broken + "\n[colours]\nred = 1\n"))
    message = str(caught.value)
    for part in (
        "13 problems",
        "[colours]: unknown; known are chip, limits, encoding, tables",
        "[chip] colour: unknown",
        "[chip] name: got 'yours'; must be the file's, 'mine'",
        "[chip] default_table: got 'owned'; there are own",
        "[tables.own.energy.mac] value: got nan; must be a finite number",
        "[tables.own.energy.mac] confidence: got 'sure'; allowed is high, medium, low",
        "[tables.own.energy.idle] unit: got 'kWh'; allowed is fJ, pJ, nJ, uJ, J",
        "[tables.own.time.wait] value: got -1.5; must be at least 0",
        "[limits.tile] unknown; known are cores,",
        "[limits] weight_exponent_min is -7, more than weight_exponent_max, -9",
        "[tables.own.prices] neuron_update_active: there is no energy and no time called 'sleep'",
        "[tables.own.prices] teleport: unknown; allowed is mac, synaptic_event,",
        "[encoding.weight_bits] values: got [8, 4]; must be whole numbers from 0 upwards, rising",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        # headings
        ('title = "My chip"', "title = 7", r"\[chip\] title: must be text, not empty"),
        ('title = "My table"', 'title = " "', r"\[tables.own\] title: must be text, not empty"),
        ("[chip]", "[chip]\nnotes = 7", "notes: must be text"),
        ('default_table = "own"\n', "", "default_table: got None; there are own"),
        ("[limits.tiles]", "[chip.x]", r"\[chip\] x: unknown"),
        ("[tables.own.time.wait]", "[tables.own.speed.wait]", r"\[tables.own\] speed: unknown"),
        # numbers
        ('source = "me"', 'source = " "', "source: must say where the number comes from"),
        ('source = "me"\n', "", "must have exactly value, unit, source, confidence; got confid"),
        ('confidence = "low"\n', "", "must have exactly value, unit, source, confidence; got s"),
        ('confidence = "low"\n', 'confidence = "low"\nyear = 2026\n', "got confidence, source, un"),
        ("value = 900", "value = true", "value: got True; must be a finite number"),
        ("value = 900", "value = inf", "value: got inf; must be a finite number"),
        ("value = 900", 'value = "much"', "value: got 'much'; must be a finite number"),
        ("value = 900", "value = -900", "value: got -900; must be at least 0"),
        ('unit = "us"', 'unit = "pJ"', "unit: got 'pJ'; allowed is ns, us, ms, s"),
        # limits
        ("value = 6\n", "value = 6.5\n", "value: got 6.5; must be a whole number"),
        ("value = 6\n", "value = 0\n", "value: got 0; must be at least 1"),
        ("value = 6\n", "value = 7\n", "mesh_columns x mesh_rows is 6, not tiles, 7"),
        ("value = 3\n", "value = 9\n", "mesh_columns is 9, more than tiles, 6"),
        ('value = 6\nunit = "1"', 'value = 6\nunit = "bit"', "unit: got 'bit'; allowed is 1"),
        # prices
        ('["idle", "busy"]', "[]", r"got \[\]; must be the name of an entry, or several"),
        ('["idle", "busy"]', "3", "got 3; must be the name of an entry, or several"),
        # encoding
        ("[encoding.tag_bits]", "[encoding.tags]", r"\[encoding.tags\] unknown; known are group_s"),
        ("[encoding.tag_bits]", "[encoding.tags]", r"\[encoding.tag_bits\] is missing; state all"),
        ("values = [8]", "values = []", r"values: got \[\]; must be whole numbers"),
        ("values = [8]", "values = [true]", r"values: got \[True\]; must be whole numbers"),
        ("values = [8]", "value = 8", "must have exactly values, unit, source, confidence"),
        ("value = 64\n", "values = [64]\n", "must have exactly value, unit, source, confidence"),
        ("value = 64\n", "value = 0\n", "value: got 0; must be at least 1"),
    ],
)
def test_one_problem(tmp_path, old, new, match):
    assert old in GOOD
    with pytest.raises(StorageError, match=match):
        load_chip(write(tmp_path, GOOD.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("value: 3", "not a readable TOML file"),
        ("", r"\[chip\] name: must be text, not empty"),
        ("chip = 3", "chip: must be a table"),
        ("limits = 3\n", "limits: must be a table"),
        ("tables.own = 3\n", "tables.own: must be a table"),
        ('[tables.own]\ntitle = "x"\nprices = 3\n', "tables.own.prices: must be a table"),
        ("limits.cores = 3\n", "must have exactly value, unit, source, confidence; got 3"),
        ("encoding.word_bits = 3\n", "must have exactly value, unit, source, confidence; got 3"),
        ('[limits.cores]\nvalue = 3\nunit = ["1"]\n', r"unit: got \['1'\]; allowed is 1"),
        ("[limits.cores]\nconfidence = [1]\n", r"confidence: got \[1\]; allowed is high"),
        ("[chip]\ndefault_table = [1]\n", "default_table: must be text"),
    ],
)
def test_a_file_of_another_shape(tmp_path, text, match):
    with pytest.raises(StorageError, match=match):
        load_chip(write(tmp_path, text))


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StorageError, match="not a readable TOML file"):
        load_chip(tmp_path / "bytes.toml")


@pytest.mark.parametrize("name", available_chips())
def test_a_shipped_file_can_be_copied_and_renamed(tmp_path, name):
    from neurosparse.hardware.files import find_file

    text = find_file("chip", name).read_text(encoding="utf-8")
    copy = write(tmp_path, text.replace(f'name = "{name}"', 'name = "copy"', 1), "copy")
    chip, original = load_chip(copy), load_chip(name)
    assert chip.limits == original.limits
    assert chip.tables == original.tables
