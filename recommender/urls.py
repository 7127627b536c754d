"""The addresses the service answers at."""

from django.contrib import admin
from django.urls import include, path, re_path

from recommender.admin import sign_in
from recommender.api import health
from recommender.api.app import api
from recommender.api.embeddings.views import embeddings, multimodal_embedding, text_embedding
from recommender.api.metrics import metrics
from recommender.api.snippet import kinship_js
from recommender.shop.views import front

handler404 = "recommender.api.embeddings.protocols.not_found"
handler500 = "recommender.api.embeddings.protocols.server_error"

admin.autodiscover()

_NATIVE = "^api/v1/services/embeddings"

urlpatterns = [
    path("", front),
    path("shop/", include("recommender.shop.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics),
    path("kinship.js", kinship_js),
    # Before the admin's own, whose name it takes.
    path("admin/login/", sign_in.login),
    path("admin/", admin.site.urls),
    # The official SDKs ask without a slash at the end; a redirect would lose what a POST sends.
    re_path("^compatible-mode/v1/embeddings/?$", embeddings),
    re_path(f"{_NATIVE}/text-embedding/text-embedding/?$", text_embedding),
    re_path(f"{_NATIVE}/multimodal-embedding/multimodal-embedding/?$", multimodal_embedding),
    path("", api.urls),
]
