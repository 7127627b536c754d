"""Why an embedding could not be made, and whether trying again can help."""


class EmbeddingError(Exception):
    """No vector was made; the message says why and what to do.

    `code` is what the provider calls the error, or empty. `paid` is what the call cost and gave all
    the same, as `types.Part`; None where nothing came.
    """

    paid: object = None

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Unavailable(EmbeddingError):  # noqa: N818 - the name says whether to retry
    """The model cannot answer now; the same call may work later."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        code: str = "",
        is_throttling: bool = False,
    ) -> None:
        """`retry_after`: seconds to wait, where the model said so. `is_throttling`: the provider
        is well, but was asked too often."""
        super().__init__(message, code=code)
        self.retry_after = retry_after
        self.is_throttling = is_throttling


class MediaUnavailable(Unavailable):
    """A picture or a video cannot be had now; the model is well, and so are the other rows."""


class Rejected(EmbeddingError):  # noqa: N818 - the name says whether to retry
    """The input can never be embedded as it is: never retry it."""


class TooLong(Rejected):
    """A text has more tokens than the model takes; a shorter one may work."""


class Misconfigured(EmbeddingError):  # noqa: N818 - the name says whether to retry
    """The model does not exist, is not installed, not paid for, or cannot do what is asked.

    Nothing is wrong with the inputs: a person must change something first.
    """


class BudgetSpent(EmbeddingError):  # noqa: N818 - the name says what has happened
    """The month's budget would be exceeded; nothing was sent."""
