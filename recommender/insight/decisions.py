"""Proposed categories that somebody accepts or refuses, one by one or all that are sure enough."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from recommender import database
from recommender.catalog import upsert
from recommender.catalog.catalogs import announce_changes
from recommender.insight import classes
from recommender.insight.kinds import classify
from recommender.models import CategoryDecision, InsightFinding, InsightRun, Product

ACCEPTED, REFUSED, UNCHANGED, SKIPPED = "accepted", "refused", "unchanged", "skipped"
# So many are accepted at one request; the rest at the next.
MOST = 10_000
_BATCH = 500

# Proposals that nobody has decided on, of products which have not got the category by themselves.
_OPEN = """
FROM recommender_insightfinding f JOIN recommender_product p ON p.id = f.product_id
WHERE f.run_id = %s AND f.score >= %s AND p.deleted_at IS NULL
    AND f.data->>'category' IS DISTINCT FROM p.category AND NOT EXISTS (
        SELECT FROM recommender_categorydecision d
        WHERE d.product_id = p.id AND d.category = f.data->>'category')
"""


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision on a product, by its id; `reason` says why it was skipped."""

    product: str
    status: str
    reason: str | None = None


def proposes(run: InsightRun) -> bool:
    """Whether there are categories to decide on."""
    return run.kind == classify.KIND.name and run.status == InsightRun.Status.DONE


def open_count(run: InsightRun, least: float) -> int:
    """How many proposals of at least this confidence nobody has decided on."""
    found: int = database.fetch(f"SELECT count(*) {_OPEN}", (run.pk, least))[0][0]
    return found


def accept_all(run: InsightRun, least: float, by: str) -> list[Decided]:
    """Accept all proposals of at least this confidence, the surest first, up to MOST.

    Each batch is a transaction of its own: what has been accepted stays so where a later one fails.
    """
    query = f"SELECT p.external_id {_OPEN} ORDER BY f.score DESC, f.id LIMIT %s"
    ids = [key for (key,) in database.fetch(query, (run.pk, least, MOST))]
    batches = (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))
    return [one for batch in batches for one in decide(run, dict.fromkeys(batch, True), by)]


def decide(run: InsightRun, decisions: Mapping[str, bool], by: str) -> list[Decided]:
    """Accept or refuse what a run proposed; to say the same again changes nothing.

    Who accepts writes the category to the product, as a request that changes it does. What the
    product has got since is left as it is, and the answer says so.

    Args:
        decisions: by the product's id, whether it is accepted.
        by: who decides, for people to read.

    Returns:
        What became of each, in order.
    """
    with transaction.atomic():
        desk = _Desk.of(run, list(decisions))
        decided = [desk.judged(key, accepts=accepts) for key, accepts in decisions.items()]
        _store(run, desk, decided, by)
    return decided


@dataclass(frozen=True, slots=True)
class _Desk:
    """What is decided on, locked until the transaction ends, and what was decided before."""

    run: InsightRun
    products: Mapping[str, Product]
    proposals: Mapping[int, InsightFinding]
    former: Mapping[tuple[int, str], bool]

    @classmethod
    def of(cls, run: InsightRun, ids: Sequence[str]) -> "_Desk":
        found = Product.objects.filter(catalog=run.catalog_id, external_id__in=ids, deleted_at=None)
        locked = found.select_for_update().order_by("external_id")
        products = {product.external_id: product for product in locked}
        keys = [product.pk for product in products.values()]
        findings = run.findings.filter(product__in=keys) if proposes(run) else ()
        decided = CategoryDecision.objects.filter(product__in=keys)
        former = {(one.product_id, one.category): one.is_accepted for one in decided}
        proposals = {one.product_id: one for one in findings if one.product_id is not None}
        return cls(run, products, proposals, former)

    def proposed(self, key: str) -> str:
        """The category proposed for a product that is there."""
        category: str = self.proposals[self.products[key].pk].data["category"]
        return category

    def judged(self, key: str, *, accepts: bool) -> Decided:
        product = self.products.get(key)
        if product is None:
            return Decided(key, SKIPPED, f"There is no product {key!r}.")
        proposal = self.proposals.get(product.pk)
        if proposal is None:
            return Decided(key, SKIPPED, "The run proposes no category for it.")
        category = proposal.data["category"]
        former = self.former.get((product.pk, category))
        if former is accepts and (not accepts or product.category == category):
            return Decided(key, UNCHANGED)
        if not accepts:
            why = "It was accepted before; change the product's category itself."
            return Decided(key, SKIPPED, why) if former else Decided(key, REFUSED)
        return self._accepted(product, category, proposal.data["now"])

    def _accepted(self, product: Product, category: str, seen: str) -> Decided:
        key, has = product.external_id, product.category
        if has == category:
            return Decided(key, UNCHANGED)
        if has and classes.shortened(has, self.run.parameters.get("depth")) != seen:
            return Decided(key, SKIPPED, f"It has the category {has!r}, which the run did not see.")
        return Decided(key, ACCEPTED)


def _store(run: InsightRun, desk: _Desk, decided: Sequence[Decided], by: str) -> None:
    rows = list(_rows(run, desk, decided, by))
    CategoryDecision.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["product", "category"],
        update_fields=["is_accepted", "decided_by", "decided_at"],
    )
    accepted = [one.product for one in decided if one.status == ACCEPTED]
    if accepted:
        changes = [{"id": key, "category": desk.proposed(key)} for key in accepted]
        upsert.upsert(run.catalog, changes, ("category",))
        announce_changes(run.catalog)


def _rows(
    run: InsightRun, desk: _Desk, decided: Sequence[Decided], by: str
) -> Iterator[CategoryDecision]:
    for one in decided:
        if one.status in (ACCEPTED, REFUSED):
            yield CategoryDecision(
                catalog=run.catalog,
                product=desk.products[one.product],
                category=desk.proposed(one.product),
                is_accepted=one.status == ACCEPTED,
                decided_by=by,
            )
