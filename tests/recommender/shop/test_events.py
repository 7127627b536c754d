import pytest

from recommender.models import Event, User
from tests.recommender.shop.conftest import HOME, told

HTMX = {"HX-Request": "true"}


def test_impressions_of_a_row_are_told_together_and_change_nothing(shown, browser):
    form = {"type": "impression", "product": ["mug-red", "mug-blue", "nothing"]}
    answer = browser.post(f"{HOME}event", form, headers=HTMX)
    assert answer.status_code == 204
    assert "HX-Trigger" not in answer
    assert sorted(told(shown)) == [("impression", "mug-blue"), ("impression", "mug-red")]


def test_events_are_of_an_id_that_no_real_user_has_and_of_nobody_else(shown, browser, client):
    for one in (browser, client):
        one.post(f"{HOME}event", {"type": "view", "product": "mug-red"})
        one.post(f"{HOME}event", {"type": "view", "product": "mug-blue"})
    users = User.objects.filter(catalog=shown.catalog).values_list("external_id", flat=True)
    assert len(users) == 2
    assert all(user.startswith("visitor-") for user in users)


@pytest.mark.parametrize("rec_id", ["", "x", "0197f6f0-0000-7000-8000-000000000000"])
def test_an_event_names_its_list_where_that_is_one(shown, browser, rec_id):
    browser.post(f"{HOME}event", {"type": "view", "product": "mug-red", "rec_id": rec_id})
    told_of = Event.objects.get(catalog=shown.catalog).rec_id
    assert str(told_of) == (rec_id if len(rec_id) > 1 else "None")


def test_without_scripts_a_like_leads_to_the_product(shown, browser):
    answer = browser.post(f"{HOME}event", {"type": "like", "product": "mug-red"})
    assert (answer.status_code, answer["Location"]) == (302, f"{HOME}p/mug-red")


@pytest.mark.parametrize("kind", ["purchase", "rating", "return", "anything", ""])
def test_other_types_are_not_taken_from_a_form(shown, browser, kind):
    assert browser.post(f"{HOME}event", {"type": kind, "product": "mug-red"}).status_code == 400
    assert told(shown) == []
