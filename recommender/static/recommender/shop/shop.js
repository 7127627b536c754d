/* What htmx does not do: the drawer opens, a picture is dropped in, and choices act at once. */
"use strict";

const drawer = document.getElementById("drawer");

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "drawer-body") return;
  if (!drawer.open) drawer.showModal();
  drawer.scrollTop = 0;
});
drawer.addEventListener("click", (event) => {
  if (event.target === drawer) drawer.close();
});

const picture = document.getElementById("picture");
if (picture) {
  picture.addEventListener("change", () => picture.files.length && picture.form.submit());
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("is-over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("is-over");
  });
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("is-over");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    picture.files = event.dataTransfer.files;
    picture.form.submit();
  });
}

const suggestions = document.getElementById("suggestions");
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && suggestions) suggestions.replaceChildren();
});
document.addEventListener("click", (event) => {
  if (suggestions && !event.target.closest(".find")) suggestions.replaceChildren();
});
