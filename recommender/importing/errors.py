"""What can be wrong with a whole import, with a row of it, and with one value of a row."""


class RefusedError(Exception):
    """The import cannot start or go on; the message says why and what to do."""


class BadRowError(Exception):
    """The row is rejected; the message is the reason, in the same words for every such row."""


class BadValueError(Exception):
    """The value cannot be used; the message goes after the field's name: `is not a number`."""
