"""The checks of the exercises: a file a lesson; what they share is in ``engine``.

``journal`` keeps what was answered, and ``answer_code`` writes a correct answer down as code.
"""
