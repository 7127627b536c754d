"""The pages of an upload: what takes a file, what says how to read it, what it is taken for."""

from collections.abc import Callable
from pathlib import PurePath
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanWidget,
)

from recommender.admin import access
from recommender.admin.base import ModelForm
from recommender.admin.fields import format_choices
from recommender.admin.fragments import Table
from recommender.importing import upload_import, uploads
from recommender.importing.row import RefusedError
from recommender.importing.upload_import import Preview
from recommender.models import Upload

Log = Callable[..., object]
_TEMPLATE = "recommender/admin/upload_new.html"


def _formats() -> list[tuple[str, str]]:
    kinds = Upload.Kind.values
    return format_choices(form for kind in kinds for form in upload_import.formats_of(kind))


class ReadingForm(ModelForm[Upload]):
    """How the file is read."""

    format = forms.ChoiceField(choices=_formats, initial="auto", widget=UnfoldAdminSelectWidget)

    class Meta:
        model = Upload
        fields: ClassVar[Any] = ("format", "options", "replace")
        widgets: ClassVar = {
            "options": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "replace": UnfoldBooleanWidget,
            "kind": UnfoldAdminSelectWidget,
            "catalog": UnfoldAdminSelectWidget,
        }

    def clean(self) -> dict[str, Any]:
        """See that the options and the format are some of the kind's."""
        given = super().clean() or {}
        kind = given.get("kind", self.instance.kind)
        known = {"auto", "plain", *(form.name for form in upload_import.formats_of(kind))}
        if given.get("format", "auto") not in known:
            self.add_error("format", "Files of this kind are never in that format.")
        try:
            upload_import.check(kind, given.get("options", ""))
        except RefusedError as exc:
            self.add_error("options", str(exc))
        if given.get("replace") and kind != Upload.Kind.PRODUCTS:
            self.add_error("replace", "Only products are replaced.")
        return given


class NewForm(ReadingForm):
    """A file, where it goes, and how it is read."""

    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget,
        help_text=f"CSV, JSON, JSON Lines, an XML feed, Parquet or .xlsx; plain or packed; "
        f"up to {settings.DATA_UPLOAD_MAX_MEMORY_SIZE >> 20} MB. Larger ones go in by "
        "./kinship import_products or a feed.",
    )

    class Meta(ReadingForm.Meta):
        fields: ClassVar[Any] = ("catalog", "kind", "format", "options", "replace")

    field_order = ("catalog", "file", "kind", "format", "options", "replace")


def take(
    request: HttpRequest, context: dict[str, Any], log: Log, address: Callable[[Upload], str]
) -> HttpResponse:
    """Ask for a file, keep it, and go to the page that shows what it is taken for."""
    asked = request.GET.get("catalog", "")
    initial = {"catalog": asked, "kind": request.GET.get("kind", Upload.Kind.PRODUCTS)}
    form = NewForm(request.POST or None, request.FILES or None, initial=initial)
    access.narrow_choices(form, request)
    if form.is_valid():
        upload = form.save(commit=False)
        _keep(upload, form.cleaned_data["file"], request)
        log(request, upload, "Uploaded.")
        return HttpResponseRedirect(address(upload))
    context |= {"title": "Upload a file", "form": form, "button": "Upload and look"}
    return TemplateResponse(request, _TEMPLATE, context)


def _keep(upload: Upload, file: "UploadedFile[Any]", request: HttpRequest) -> None:
    upload.name = PurePath(file.name or "file").name[:255]
    upload.by = request.user if isinstance(request.user, User) else None
    uploads.keep(upload, file.chunks())


def adjust(
    request: HttpRequest, upload: Upload, context: dict[str, Any], log: Log, back: str
) -> HttpResponse:
    """Ask how the file is to be read, and go back to what it is taken for then."""
    form = ReadingForm(request.POST or None, instance=upload)
    if form.is_valid():
        # A worker may be at it since: what it is told stays.
        free = Upload.objects.filter(pk=upload.pk).exclude(status__in=uploads.UNFINISHED)
        free.update(status=Upload.Status.NEW, counts=[], report="", error="", **form.cleaned_data)
        log(request, upload, "Read otherwise.")
        return HttpResponseRedirect(back)
    context |= {"title": f"How to read {upload.name}", "form": form, "button": "Look again"}
    return TemplateResponse(request, _TEMPLATE, context)


def told(upload: Upload) -> dict[str, Any]:
    """For the template: progress, what came of it, and the preview as long as the file is here."""
    shown: dict[str, Any] = {"upload": upload, "counts": _counts(upload)}
    if upload.status in uploads.UNFINISHED:
        activity, share = uploads.progress_of(upload)
        return shown | {"activity": activity or upload.get_status_display(), "percent": 100 * share}
    try:
        return shown | _preview(upload_import.preview(upload))
    except RefusedError as exc:
        is_in = upload.status == Upload.Status.DONE
        return shown if is_in else shown | {"refusal": str(exc)}


def _counts(upload: Upload) -> Table | None:
    if not upload.counts:
        return None
    note = "Nothing was written." if upload.is_dry_run else ""
    return Table(["Rows", ""], [[what, f"{number:,}"] for what, number in upload.counts], note)


def _preview(found: Preview) -> dict[str, Any]:
    mapped = [[field, ", ".join(names)] for field, names in found.mapped.items()]
    unread = f"Not read: {', '.join(found.unread)}." if found.unread else ""
    rows = [_row(found, row) for row in found.rows]
    return {
        "found": found,
        "mapping": Table(["Field", "Column of the file"], mapped, unread),
        "rows": Table(found.fields or ["Row"], rows, "As they are understood."),
    }


def _row(found: Preview, row: Any) -> list[str]:
    if isinstance(row, str):
        return [row, *[""] * (len(found.fields) - 1)]
    return list(row)
