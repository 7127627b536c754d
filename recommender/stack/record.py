"""The record of a running service, by which later commands find its processes."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recommender.stack.layout import Layout
from recommender.stack.processes import ProcessRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """Who supervises the service, where it answers, and its processes by name."""

    supervisor: ProcessRecord
    url: str
    children: dict[str, ProcessRecord] = field(default_factory=dict)

    def write(self, layout: Layout) -> None:
        """Replace the record of this data directory."""
        path = _path(layout)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self)))
        new.replace(path)


def read_record(layout: Layout) -> ServiceRecord | None:
    """The last record written, whether or not its processes still run."""
    try:
        fields = json.loads(_path(layout).read_text())
    except FileNotFoundError:
        return None
    return ServiceRecord(
        supervisor=_process(fields["supervisor"]),
        url=fields["url"],
        children={name: _process(child) for name, child in fields["children"].items()},
    )


def remove_record(layout: Layout) -> None:
    """Forget the record: its processes have ended."""
    _path(layout).unlink(missing_ok=True)


def _process(fields: dict[str, Any]) -> ProcessRecord:
    return ProcessRecord(fields["pid"], fields["started"], tuple(fields["command"]))


def _path(layout: Layout) -> Path:
    return layout.run / "service.json"
