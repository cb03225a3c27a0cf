"""``python -m course_utils``: the machine report of lesson 00, in a terminal.

With a word behind it, one of the commands in ``classroom/commands.py``.
"""

import sys

from course_utils.classroom.commands import main

if __name__ == "__main__":
    sys.exit(main())
