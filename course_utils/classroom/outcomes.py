"""What may become of an answer, or of a submission, other than a check's verdict."""


class Outcome(Exception):
    """Why there is no verdict: a code for the table, and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
