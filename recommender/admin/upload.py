"""Uploads: a file is looked into, tried, and imported by a worker, with what was rejected."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from recommender.admin import base, confirmation, fragments, upload_page
from recommender.admin.base import RelatedDropdownFilter, RunAdmin, SensibleButtons, action
from recommender.admin.confirmation import ActionError, Question
from recommender.importing import uploads
from recommender.models import Upload

_COLOURS = {
    Upload.Status.NEW: "info",
    Upload.Status.WAITING: "info",
    Upload.Status.RUNNING: "primary",
    Upload.Status.TRIED: "success",
    Upload.Status.DONE: "success",
    Upload.Status.FAILED: "danger",
}
_LIST = "admin:recommender_upload_changelist"


def address(upload: Upload) -> str:
    """Of the upload's page."""
    return reverse("admin:recommender_upload_change", args=[upload.pk])


@admin.register(Upload)
class UploadAdmin(RunAdmin[Upload], SensibleButtons[Upload]):
    """The uploads of the last month, the latest first."""

    unfinished = uploads.UNFINISHED
    refresh_seconds = 2

    list_display = ("name", "catalog", "kind", "state", "came_to", "by", "created_at")
    list_filter = (("catalog", RelatedDropdownFilter), ("status", ChoicesDropdownFilter))
    list_select_related = ("catalog", "by")
    actions = None
    actions_detail = ("try_it", "start", "read_otherwise", "rejects")
    change_form_outer_before_template = "recommender/admin/upload.html"
    fields = (("catalog", "kind"), ("name", "state"), ("by", "created_at"), "options", "error")

    def fail_dead(self) -> int:
        """See `uploads`."""
        uploads.fail_dead()
        return 0

    def has_add_permission(self, request: HttpRequest) -> bool:
        """As the person's permissions say."""
        return request.user.has_perm("recommender.add_upload")

    def has_delete_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        """Who may upload may remove it again, while no worker is at it."""
        is_free = obj is None or obj.status not in uploads.UNFINISHED
        return is_free and request.user.has_perm("recommender.delete_upload")

    def has_import_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may upload may import."""
        return self.has_add_permission(request)

    def delete_model(self, request: HttpRequest, obj: Upload) -> None:  # noqa: ARG002
        """Remove it with its file."""
        uploads.remove(obj)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",  # noqa: ARG002
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """The page that takes a file."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return upload_page.take(
            request, base.page_context(self, request), self.log_addition, address
        )

    def tell(self, row: Upload) -> dict[str, Any]:
        """What the file is taken for, how far its import is, and what came of it."""
        return upload_page.told(row)

    def sensible(self, row: Upload) -> set[str]:
        """What can be done with the file, and the rejected rows where there are any."""
        names = {"rejects"} if uploads.rejects_of(row).is_file() else set()
        if row.status in uploads.UNFINISHED or not uploads.has_file(row):
            return names
        return names | {"try_it", "start", "read_otherwise"}

    @action(description="Try it (dry run)", permissions=["import"], icon="science")
    def try_it(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have a worker count what would come of it, once confirmed."""
        return self._confirm(request, object_id, dry_run=True)

    @action(description="Import now", permissions=["import"], icon="upload")
    def start(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have a worker import it, once confirmed."""
        return self._confirm(request, object_id, dry_run=False)

    @action(description="Read it otherwise", permissions=["import"], icon="tune")
    def read_otherwise(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page that says how the file is to be read."""
        upload = self._found(request, object_id)
        return upload_page.adjust(
            request, upload, base.page_context(self, request), self.log_change, address(upload)
        )

    @action(description="Rejected rows", permissions=["view"], icon="download")
    def rejects(self, request: HttpRequest, object_id: str) -> HttpResponse | FileResponse:
        """The rows that were rejected the last time, with why, as CSV."""
        upload = self._found(request, object_id)
        path = uploads.rejects_of(upload)
        if not path.is_file():
            raise Http404
        return FileResponse(
            path.open("rb"),
            as_attachment=True,
            filename=f"rejects-{upload.pk}.csv",
            content_type="text/csv; charset=utf-8",
            headers={"X-Content-Type-Options": "nosniff"},
        )

    def _confirm(self, request: HttpRequest, object_id: str, *, dry_run: bool) -> HttpResponse:
        upload = self._found(request, object_id)

        def act(_: bool) -> str:
            if not uploads.has_file(upload):
                raise ActionError("The file is no longer here. Upload it again.")
            if not uploads.request(upload, dry_run=dry_run):
                raise ActionError("A worker is at it already, or it is in.")
            self.log_change(request, upload, "Dry run." if dry_run else "Import.")
            return "The next free worker does it; this page shows how far."

        question = _question(upload, dry_run=dry_run)
        return confirmation.confirm(
            request, question, act, address(upload), base.page_context(self, request)
        )

    def _found(self, request: HttpRequest, object_id: str) -> Upload:
        upload = self.get_object(request, object_id)
        if upload is None:
            messages.warning(request, f"There is no upload {object_id!r}.")
            raise Http404
        return upload

    @admin.display(description="Status")
    def state(self, upload: Upload) -> SafeString:
        """How far it is."""
        return fragments.badge(upload.get_status_display(), _COLOURS[Upload.Status(upload.status)])

    @admin.display(description="Came to")
    def came_to(self, upload: Upload) -> SafeString:
        """What came of the rows, or what went wrong."""
        counts = ", ".join(f"{number:,} {what}" for what, number in upload.counts if number)
        return fragments.prose(upload.error or counts or "-")


def _question(upload: Upload, *, dry_run: bool) -> Question:
    if dry_run:
        text = "A worker reads all of it and counts what would come of it; nothing is written."
        return Question(title=f"Try {upload.name}", text=text, button="Try it")
    gone = " What it does not have is taken off sale." if upload.replace else ""
    return Question(
        title=f"Import {upload.name}",
        text=f"A worker writes what the file has to the catalog {upload.catalog}.{gone} A bad row "
        "is rejected and stops nothing. Afterwards the file is removed.",
        button="Import now",
    )
