"""What can go wrong with the stack, said to the person who runs it."""


class StackError(Exception):
    """The stack cannot start or stop; the message says what is wrong and what to do."""
