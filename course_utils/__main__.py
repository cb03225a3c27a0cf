"""``python -m course_utils``: the machine report of lesson 00, in a terminal.

With a word behind it, one of the commands in ``classroom/commands.py``.
"""

import sys

if __name__ == "__main__":
    if sys.argv[1:]:
        from course_utils.classroom.commands import main

        sys.exit(main())
    from course_utils.machine import report

    print(report())
