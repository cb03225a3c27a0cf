"""The command that makes recorded runs again knows all of them, and each says so itself."""

from course_utils.records import load_record
from course_utils.records.__main__ import COMMANDS
from course_utils.sources import DATA


def test_every_record_names_the_command_that_makes_it():
    names = {path.stem for path in (DATA / "records").iterdir()}
    assert names == set(COMMANDS)
    for name in names:
        assert load_record(name)["made"]["command"] == f"python -m course_utils.records {name}"
