"""Products for a user, live: what is stored, what is new since, and one ranked list."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from recommender.engine import because, completion, live, rankers, subject
from recommender.engine.answer import Answer, Item, Query
from recommender.engine.live import Candidates
from recommender.engine.subject import Subject
from recommender.models import Catalog
from recommender.ranking.parts import BASE
from recommender.ranking.ranker import top
from recommender.spaces import serving


def recommend(catalog: Catalog, external_id: str, query: Query) -> Answer:
    """The products for a user, best first.

    A user who is new, or of whose history nothing says what they like, gets what is popular; the
    answer says so in `fallback`, and a user nobody knows is in `missing_ids`.
    """
    return serving.answered(partial(_recommend, catalog, external_id, query))


def _recommend(catalog: Catalog, external_id: str, query: Query) -> Answer:
    found = subject.find(catalog, external_id, query)
    if found is None:
        return completion.fall_back(catalog, query, missing_ids=(external_id,))
    excluded = found.excluded.tolist()
    items = _ranked(catalog, found, query)
    if not items:
        return completion.fall_back(catalog, query, excluded=excluded)
    by_id = {item.id: item for item in items}
    completion.fill(catalog, by_id, query, excluded=excluded, filter=query.filter)
    return completion.complete(
        catalog,
        list(by_id.values()),
        query,
        excluded=excluded,
        spaces=tuple(sorted(space.label for space in found.spaces)),
    )


def _ranked(catalog: Catalog, found: Subject, query: Query) -> list[Item]:
    """The best of the candidates; none where nothing is known of the user's taste."""
    if not found.history_version:
        return []
    evidence = live.gather(catalog, found, query)
    if not evidence.is_personal:
        return []
    candidates = live.candidates(catalog, found, query, evidence)
    judged = rankers.of(found.ranker).judge(candidates.pool)
    (rows,) = top(judged.scores, candidates.pool.sizes, query.count)
    parts = judged.explain(rows)
    # Fusion gives nothing to what no channel speaks for.
    spoken = [place for place, each in enumerate(parts) if each.keys() - {BASE}]
    return _items(
        candidates,
        rows[spoken],
        judged.scores[rows[spoken]],
        [parts[place] for place in spoken],
    )


def _items(
    candidates: Candidates,
    rows: NDArray[np.int64],
    scores: NDArray[np.float64],
    parts: Sequence[Mapping[str, float]],
) -> list[Item]:
    products = candidates.pool.products[rows]
    led = because.strongest(candidates.traces(rows), products, parts)
    interests = candidates.interests(rows).tolist()
    known = candidates.described
    names = dict(zip(known.own.products.tolist(), known.own.ids, strict=True))
    names |= {int(key): known.candidates.ids[row] for key, row in zip(products, rows, strict=True)}
    return [
        Item(
            known.candidates.ids[row],
            float(score),
            max(each.keys() - {BASE}, key=lambda name: (each[name], name)),
            each,
            tuple(names[key] for key in keys if key in names),
            names.get(interest),
        )
        for row, score, each, keys, interest in zip(
            rows.tolist(), scores, parts, led, interests, strict=True
        )
    ]
