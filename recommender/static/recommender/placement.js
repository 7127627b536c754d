// The rules of a placement: rows that are added, and fields that the chosen action takes.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const rules = document.querySelector("[data-rules]");
    const template = document.querySelector("[data-new-rule]");
    const total = document.querySelector("[name=rules-TOTAL_FORMS]");
    const takes = JSON.parse(document.getElementById("rule-takes").textContent);
    const sometimes = new Set(Object.values(takes).flat());

    const fit = (rule) => {
        const action = rule.querySelector("[name$=-action]").value;
        for (const field of rule.querySelectorAll("[data-field]")) {
            const name = field.dataset.field;
            field.hidden = sometimes.has(name) && !takes[action].includes(name);
        }
        const remove = rule.querySelector("[name$=-DELETE]");
        rule.style.opacity = remove && remove.checked ? 0.4 : 1;
    };

    rules.addEventListener("change", (event) => fit(event.target.closest("[data-rule]")));
    rules.querySelectorAll("[data-rule]").forEach(fit);

    const add = document.querySelector("[data-add-rule]");
    if (add) {
        add.addEventListener("click", () => {
            const number = Number(total.value);
            const holder = document.createElement("div");
            holder.innerHTML = template.innerHTML.replaceAll("__prefix__", number);
            const rule = rules.appendChild(holder.firstElementChild);
            total.value = number + 1;
            document.querySelector("[data-none]")?.remove();
            fit(rule);
            // What Django's own script turns into a picker.
            rule.dispatchEvent(new CustomEvent("formset:added", { bubbles: true }));
            rule.scrollIntoView({ behavior: "smooth", block: "center" });
        });
    }
});
