"""The shop's addresses, below /shop/CATALOG/; an id or a category is the rest of an address."""

from django.urls import path

from recommender.shop import browse, checkout, events, reasons, views

urlpatterns = [
    path("<slug:name>/", views.home),
    path("<slug:name>/p/<path:product_id>", views.product),
    path("<slug:name>/c/<path:path>", browse.category),
    path("<slug:name>/search", browse.search),
    path("<slug:name>/suggest", browse.suggest),
    path("<slug:name>/picture", browse.by_picture),
    path("<slug:name>/more/<uuid:rec_id>", views.more),
    path("<slug:name>/row/<slug:placement>", views.row),
    path("<slug:name>/event", events.post),
    path("<slug:name>/cart", checkout.page),
    path("<slug:name>/cart/put", checkout.put),
    path("<slug:name>/cart/check-out", checkout.check_out),
    path("<slug:name>/why", reasons.why),
    path("<slug:name>/what-if", reasons.what_if),
    path("<slug:name>/be", reasons.play),
]
