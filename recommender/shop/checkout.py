"""The pages of the cart, and its check-out: nobody pays, and what is bought becomes events."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from recommender.api import problems
from recommender.models import Product
from recommender.shop import ask, cards, cart, events, placements
from recommender.shop.visit import Visit, shop_view
from recommender.shop.visitor import MOST_OF_ONE


@require_safe
@shop_view
def page(visit: Visit) -> HttpResponse:
    """What is in the cart, and what completes it."""
    return _page(visit)


@require_POST
@shop_view
def put(visit: Visit) -> HttpResponse:
    """So many of a product in the cart; none for 0; one more where nobody says how many."""
    form = visit.request.POST
    product = _product(visit, form.get("product", ""))
    had = visit.visitor.cart(visit.catalog).get(product.pk, 0)
    given = form.get("quantity", "")
    is_number = given.isascii() and given.isdecimal() and len(given) < 4
    quantity = min(int(given), MOST_OF_ONE) if is_number else had + 1
    if quantity > had and not product.in_stock:
        quantity = had
    visit.visitor = visit.visitor.with_line(visit.catalog, product.pk, quantity)
    if quantity > had:
        more = quantity - had
        events.tell(visit, "add_to_cart", [product.external_id], form.get("rec_id", ""), more)
    elif quantity == 0 and had:
        events.tell(visit, "remove_from_cart", [product.external_id])
    if not visit.is_part:
        return redirect(visit.url("cart"))
    if form.get("from") == "cart":
        return events.changed(_page(visit))
    title = cards.title_of(product.title, product.external_id)
    return events.changed(visit.page("notice", {"notice": f"In your cart: {title}"}))


@require_POST
@shop_view
def check_out(visit: Visit) -> HttpResponse:
    """Everything in the cart is bought, as far as events tell."""
    bought = cart.lines(visit)
    ask.tell(
        visit.catalog,
        [
            events.event(visit, "purchase", line.product.external_id, quantity=line.quantity)
            for line in bought
        ],
    )
    visit.visitor = visit.visitor.without_cart(visit.catalog)
    if not bought:
        return redirect(visit.url("cart"))
    told = {
        "lines": [(cards.of_product(visit, line.product), line.quantity) for line in bought],
        "rows": placements.rows(visit, [placements.FOR_YOU]),
    }
    return visit.page("bought", told)


def _page(visit: Visit) -> HttpResponse:
    lines = cart.lines(visit)
    names = ["complete"] if lines else ["unfinished", "for_you"]
    told = {
        "lines": [(cards.of_product(visit, line.product), line.quantity) for line in lines],
        "total": cart.total(lines),
        "rows": placements.rows(visit, [placements.PLACEMENTS[name] for name in names]),
    }
    return visit.page("cart_part" if visit.is_part else "cart", told)


def _product(visit: Visit, product_id: str) -> Product:
    """The product; a Problem where there is none."""
    found = None
    if "\x00" not in product_id:
        there = Product.objects.filter(catalog=visit.catalog, deleted_at=None)
        found = there.filter(external_id=product_id).first()
    if found is None:
        raise problems.unknown_product(product_id)
    return found
