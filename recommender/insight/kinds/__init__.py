"""The kinds of insight: a module each, and a line here."""

from recommender.insight.kind import Kind
from recommender.insight.kinds import (
    anomalies,
    catalog_map,
    classify,
    clusters,
    duplicates,
    events,
    gaps,
    measure,
)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        clusters.KIND,
        catalog_map.KIND,
        anomalies.KIND,
        duplicates.KIND,
        measure.KIND,
        classify.KIND,
        events.KIND,
        gaps.KIND,
    )
}
