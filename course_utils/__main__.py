"""``python -m course_utils``: the machine report of lesson 00, in a terminal."""

from course_utils.machine import report

if __name__ == "__main__":
    print(report())
