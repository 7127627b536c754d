"""Why what was asked of a space is not done."""


class SpaceError(Exception):
    """A space cannot do what was asked of it; the message says why, and what to do."""
