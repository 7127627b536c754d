"""The kinds of insight: a module each, and a line here."""

from recommender.insight.kind import Kind
from recommender.insight.kinds import catalog_map, classify, clusters, events, gaps

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        clusters.KIND,
        catalog_map.KIND,
        classify.KIND,
        events.KIND,
        gaps.KIND,
    )
}
