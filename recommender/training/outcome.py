"""What became of a step of training, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

DONE, KEPT, SKIPPED = "done", "kept", "skipped"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`kept`: what served before goes on serving; `skipped`: there was too little to learn from.

    `text` is a sentence for a person; `figures` are numbers by name, as JSON has them.
    """

    outcome: str
    text: str
    figures: Mapping[str, Any] = field(default_factory=dict)
