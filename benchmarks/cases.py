"""The filters that are measured: three kinds, each at several shares of passing products."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np

from benchmarks.generated import BRANDS
from benchmarks.truth import Truth

PASSING = (1, 5, 10, 50, 100)  # percent


@dataclass(frozen=True, slots=True)
class Case:
    """A filter that so many per cent of the products pass."""

    kind: str
    passing: int
    document: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name in the figures."""
        return f"{self.kind}, {self.passing} %"

    @property
    def parameter(self) -> str:
        """The filter as it ends a path."""
        return f"&filter={quote(json.dumps(self.document, separators=(',', ':')))}"


def cases(truth: Truth) -> Sequence[Case]:
    """A range of a JSON attribute, a range of the price and a list of brands, few to all."""
    all_cases = []
    for passing in PASSING:
        price = float(np.quantile(truth.prices, passing / 100, method="inverted_cdf"))
        brands = list(BRANDS[: len(BRANDS) * passing // 100])
        all_cases += [
            Case("attribute", passing, {"bucket": {"lt": passing}}),
            Case("price", passing, {"price": {"lte": price}}),
            Case("brand", passing, {"brand": brands}),
        ]
    return all_cases
