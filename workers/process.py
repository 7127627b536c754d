"""What makes a process of the worker quick."""

import gc
import os


def settle() -> None:
    """Prepare this process for embedding batch after batch.

    What is loaded stays: looking through it at every garbage collection takes a tenth of the
    time. There is a process for each core: threads of a tokenizer would only be in their way.
    """
    gc.freeze()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
