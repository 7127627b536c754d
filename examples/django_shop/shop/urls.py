"""The shop's addresses."""

from django.contrib.auth import views as auth
from django.urls import path

from shop import views

urlpatterns = [
    path("", views.home, name="home"),
    path("product/<str:sku>/", views.product, name="product"),
    path("product/<str:sku>/add/", views.add, name="add"),
    path("cart/", views.cart, name="cart"),
    path("buy/", views.buy, name="buy"),
    path("login/", auth.LoginView.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(next_page="home"), name="logout"),
]
