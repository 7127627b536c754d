from recommender.models import Event
from tests.recommender.shop import page
from tests.recommender.shop.conftest import HOME, told
from tests.shop import NOON, event

HTMX = {"HX-Request": "true"}


def test_what_is_put_into_the_cart_is_there_with_its_price(shown, browser):
    browser.post(f"{HOME}cart/put", {"product": "mug-red"})
    browser.post(f"{HOME}cart/put", {"product": "lamp-blue"})
    browser.post(f"{HOME}cart/put", {"product": "mug-red"})
    html = page.text(browser.get(f"{HOME}cart"))
    assert "Red mug" in html
    assert "€40.00" in html
    assert told(shown) == [
        ("add_to_cart", "mug-red"),
        ("add_to_cart", "lamp-blue"),
        ("add_to_cart", "mug-red"),
    ]


def test_a_part_of_the_page_is_answered_where_htmx_asks(shown, browser):
    answer = browser.post(f"{HOME}cart/put", {"product": "mug-red"}, headers=HTMX)
    html = page.text(answer)
    assert "In your cart: Red mug" in html
    assert "<html" not in html
    assert answer["HX-Trigger"] == "lists-changed"
    changed = browser.post(
        f"{HOME}cart/put", {"product": "mug-red", "quantity": "3", "from": "cart"}, headers=HTMX
    )
    assert "€30.00" in page.text(changed)
    assert Event.objects.filter(catalog=shown.catalog).order_by("-at")[0].quantity == 2


def test_what_is_taken_out_is_told_and_gone(shown, browser):
    browser.post(f"{HOME}cart/put", {"product": "mug-red"})
    browser.post(f"{HOME}cart/put", {"product": "mug-red", "quantity": "0"})
    assert "Your cart is empty" in page.text(browser.get(f"{HOME}cart"))
    assert told(shown) == [("add_to_cart", "mug-red"), ("remove_from_cart", "mug-red")]


def test_the_check_out_tells_purchases_and_empties_the_cart(shown, browser):
    browser.post(f"{HOME}cart/put", {"product": "mug-red", "quantity": "2"})
    browser.post(f"{HOME}cart/put", {"product": "lamp-blue"})
    html = page.text(browser.post(f"{HOME}cart/check-out"))
    assert "Thank you" in html
    bought = Event.objects.filter(catalog=shown.catalog, type="purchase")
    assert set(bought.values_list("product__external_id", "quantity")) == {
        ("mug-red", 2.0),
        ("lamp-blue", 1.0),
    }
    assert "Your cart is empty" in page.text(browser.get(f"{HOME}cart"))


def test_the_cart_is_completed_by_what_is_bought_with_it(shown, browser):
    browser.post(f"{HOME}cart/put", {"product": "mug-red"})
    shown.post(event("u1", "lamp-red", type="purchase", at=NOON))
    html = page.text(browser.get(f"{HOME}cart"))
    assert "Complete your order" in page.titles(html)
    assert "mug-red" not in page.products(page.row(html, "complete"))


def test_what_is_deleted_leaves_the_cart(shown, browser):
    browser.post(f"{HOME}cart/put", {"product": "mug-red"})
    product = shown.product("mug-red")
    product.deleted_at = product.created_at
    product.save()
    assert "Your cart is empty" in page.text(browser.get(f"{HOME}cart"))


def test_a_cart_of_several_currencies_has_no_sum(shown, browser):
    shown.put({"id": "dear", "title": "Dear", "price": 7, "currency": "USD"})
    for product in ("mug-red", "dear"):
        browser.post(f"{HOME}cart/put", {"product": product})
    assert "Together" not in page.text(browser.get(f"{HOME}cart"))
