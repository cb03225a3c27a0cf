"""``python -m course_utils.records``: lists the recorded runs, or makes some again."""

import sys
from collections.abc import Callable
from fnmatch import filter as matching
from functools import partial

from course_utils.internals import places
from course_utils.records import race, runs
from course_utils.sources import DATA

#: What makes each record again.
COMMANDS: dict[str, Callable[[], None]] = {
    **{name: partial(runs.main, name) for name in runs.RECIPES},
    race.NAME: race.main,
}

if __name__ == "__main__":
    chosen = [name for pattern in sys.argv[1:] for name in matching(COMMANDS, pattern)]
    if not chosen:
        sys.exit(f"usage: python -m course_utils.records NAME…, of: {', '.join(COMMANDS)}")
    if not places.is_writable(DATA / "records"):
        sys.exit(
            f"{DATA / 'records'} cannot be written to: make records in a checkout of your own."
        )
    for name in chosen:
        COMMANDS[name]()
