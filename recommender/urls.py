"""The addresses the service answers at."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from recommender.api import health
from recommender.api.app import api

handler404 = "recommender.api.problems.not_found"
handler500 = "recommender.api.problems.server_error"

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/", permanent=False)),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("admin/", admin.site.urls),
    path("", api.urls),
]
