"""How near two vectors of a space are: the operator, the index's operators, the similarity."""

from dataclasses import dataclass

from psycopg import sql

from recommender.models import Space


@dataclass(frozen=True, slots=True)
class Metric:
    """A distance of pgvector; the operator must be of the index's class, or no index is used."""

    operator: sql.SQL
    operator_class: sql.SQL
    nearest: int  # the similarity at a distance of 0

    def similarity(self, distance: sql.Composable) -> sql.Composed:
        """The cosine or the inner product, from the distance."""
        return sql.SQL("{} - {}").format(sql.Literal(self.nearest), distance)


_METRICS = {
    Space.Metric.COSINE: Metric(sql.SQL("<=>"), sql.SQL("halfvec_cosine_ops"), 1),
    # Its distance is the negative inner product: indexes are walked in ascending order only.
    Space.Metric.INNER_PRODUCT: Metric(sql.SQL("<#>"), sql.SQL("halfvec_ip_ops"), 0),
}


def of(name: str) -> Metric:
    """The metric of a value of Space.Metric."""
    return _METRICS[Space.Metric(name)]
