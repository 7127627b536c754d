"""What keeps insight from being had."""


class EvaluationError(Exception):
    """A catalogue cannot be evaluated as asked; the message says why, and what is needed."""
