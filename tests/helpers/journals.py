"""A journal on disk, as the course has written it since its first version."""

import sqlite3

from course_utils.internals import places

#: Every student has a journal of this form, so it is written down here and not imported.
TABLE = """CREATE TABLE IF NOT EXISTS verdicts (
    lesson TEXT, exercise TEXT, code TEXT, answer TEXT, kept TEXT, python TEXT, time TEXT)"""
INSERT = "INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, datetime('now', 'localtime'))"


def journal_file():
    return places.runs() / "journal" / "verdicts.sqlite"


def put_answer(
    lesson: str, exercise: str, kept: str, *, python: str = "3.12.0", version: int = 1
) -> None:
    """Put an answer into the journal as if it had been correct."""
    journal_file().parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(journal_file()) as database:
        database.execute(TABLE)
        database.execute(INSERT, (lesson, exercise, "correct", kept, kept, python))
        database.execute(f"PRAGMA user_version = {version}")
