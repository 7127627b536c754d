"""What signals do to the process that runs tests, however it was started."""

import signal


def restore() -> None:
    """Let Ctrl-C and a termination end this process and, by default, each that it starts.

    A shell's background job and many CI systems start a process with SIGINT ignored, and a
    process that it starts inherits that. What is handled here is at its default there.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A terminated run (a CI job that is cancelled) cleans up as one that Ctrl-C ends.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
