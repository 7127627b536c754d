import json

import pytest
from django.core.management import CommandError, call_command

from recommender.models import Catalog, Event
from tests.recommender.training import planted
from tests.shop import Shop, event

pytestmark = pytest.mark.slow  # trains


@pytest.fixture
def sold(db) -> Shop:
    """A shop whose users buy two products of their taste at a time, all over two months."""
    shop = Shop.open("sold", clock=Catalog.Clock.LAST_EVENT)
    shop.stock(**{f"p{n}": f"Article {n * 7919 % 97}" for n in range(40)})
    shop.embed()
    for user in range(48):
        for visit in range(6):
            at = planted.at(10 * visit + (7 * user + 3 * visit * visit) % 10)
            pair = [(user + 4 * (visit + n)) % 40 for n in (0, 1)]
            shop.post(*(event(f"u{user}", f"p{n}", type="purchase", at=at) for n in pair))
    return shop


def test_blends_and_baskets_are_judged_by_what_came_after(sold, tmp_path, capsys):
    out = tmp_path / "figures.json"
    call_command("evaluate_related", catalog="sold", json=out)
    assert "NDCG@20" in capsys.readouterr().out
    rows = {(row["truth"], row["name"]): row for row in json.loads(out.read_text())}
    baskets = {name: row for (truth, name), row in rows.items() if truth == "in one basket"}
    assert baskets.keys() == {"content alone", "bought together", "complements"}
    # Titles tell nothing of what is bought together here.
    assert baskets["bought together"]["ndcg"] > 2 * baskets["content alone"]["ndcg"]
    assert baskets["bought together"]["lists"] >= 20
    blends = {name: row for (truth, name), row in rows.items() if truth == "came next"}
    assert len(blends) == 8
    assert all(0 <= row["ndcg"] <= 1 for row in rows.values())
    Event.objects.filter(catalog=sold.catalog).update(type="like")
    call_command("evaluate_related", catalog="sold")
    printed = capsys.readouterr().out
    assert "Too few baskets" in printed
    assert "in one basket" not in printed


def test_too_little_history_is_said(shop):
    with pytest.raises(CommandError, match="too little history"):
        call_command("evaluate_related", catalog="shop")
    with pytest.raises(CommandError, match="There is no catalog"):
        call_command("evaluate_related", catalog="nothing")
