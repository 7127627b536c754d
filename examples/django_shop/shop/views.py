"""The shop's pages. What happens in them is told to Kinship by `track`."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from kinship_client.django import track
from shop.models import Product


def home(request: HttpRequest) -> HttpResponse:
    """What Kinship chose for who looks at it, and all else."""
    return render(request, "shop/home.html", {"products": Product.objects.order_by("name")})


def product(request: HttpRequest, sku: str) -> HttpResponse:
    """One product; that it was looked at is told."""
    found = get_object_or_404(Product, sku=sku)
    track(request, "view", found)
    return render(request, "shop/product.html", {"product": found})


@require_POST
def add(request: HttpRequest, sku: str) -> HttpResponse:
    """Put a product into the cart."""
    found = get_object_or_404(Product, sku=sku)
    request.session["cart"] = [*request.session.get("cart", []), found.sku]
    track(request, "add_to_cart", found)
    return redirect("cart")


def cart(request: HttpRequest) -> HttpResponse:
    """What is in the cart, and what goes with it."""
    chosen = request.session.get("cart", [])
    products = Product.objects.filter(sku__in=chosen)
    return render(request, "shop/cart.html", {"products": products, "cart": chosen})


@require_POST
def buy(request: HttpRequest) -> HttpResponse:
    """Buy what is in the cart."""
    for bought in Product.objects.filter(sku__in=request.session.pop("cart", [])):
        track(request, "purchase", bought, quantity=1, value=float(bought.price))
    return redirect("home")
