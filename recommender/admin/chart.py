"""Charts as Unfold's component and its Chart.js take them, with what is said beside them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Of each dataset, as Chart.js and the component's script name it. The component's own columns are
# too thin to point at, and more than six dates are turned aslant.
_STYLE = {"displayYAxis": True, "maxTicksXLimit": 6, "maxBarThickness": 16, "borderRadius": 2}


@dataclass(frozen=True, slots=True)
class Series:
    """What has one colour of Tailwind: a value for each label, or points {x: label, y: value}.

    `style` says what differs from a plain column, in the terms of a Chart.js dataset.
    """

    name: str
    colour: str
    values: Sequence[Any]
    style: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chart:
    """Series over the same labels; `note` tells their span or their highest value in words."""

    name: str
    note: str
    labels: Sequence[str]
    series: Sequence[Series]

    @property
    def data(self) -> str:
        """The JSON for Chart.js; the component resolves the variables of CSS."""
        return json.dumps(
            {"labels": self.labels, "datasets": [_dataset(each) for each in self.series]}
        )


def _dataset(series: Series) -> dict[str, Any]:
    colour = f"var(--color-{series.colour})"
    return {
        "label": series.name,
        "data": series.values,
        "backgroundColor": colour,
        "borderColor": colour,
        **_STYLE,
        **series.style,
    }
