"""Why an embedding could not be made, and whether trying again can help."""


class EmbeddingError(Exception):
    """No vector was made; the message says why and what to do."""


class Unavailable(EmbeddingError):  # noqa: N818 - the name says whether to retry
    """The model cannot answer now; the same call may work later."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """`retry_after`: seconds to wait, where the model said so."""
        super().__init__(message)
        self.retry_after = retry_after


class Rejected(EmbeddingError):  # noqa: N818 - the name says whether to retry
    """The input can never be embedded as it is: never retry it."""


class Misconfigured(EmbeddingError):  # noqa: N818 - the name says whether to retry
    """The model does not exist, is not installed or cannot do what is asked of it."""
