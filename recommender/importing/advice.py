"""What would help where rows are rejected, for a person at a terminal."""

import re
from datetime import datetime

# In the order in which they are tried; a value that several fit is shown all of them.
_TIME_FORMATS = (
    *("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"),
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d-%m-%Y"),
    *("%m/%d/%Y %I:%M %p", "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%Y/%m/%d"),
)
# What helps, by the pattern of the reason; a group stands for the field.
_BY_REASON = (
    (re.compile(r"(\w+) is missing"), "say which column has it: --map {0}=COLUMN"),
    (re.compile(r"(\w+) is not a number"), "say its decimal mark: --decimal , or --decimal ."),
    (re.compile("unknown product"), "import the products first: ./kinship import_products FILE"),
    (
        re.compile("type is not one of"),
        "say what it stands for: --types WORD=purchase, or WORD= to leave such rows out; or "
        "add the type on the catalog's page in the admin",
    ),
    (re.compile("not UTF-8"), "say the file's encoding, such as --encoding windows-1252"),
)


def advice(reason: str, value: str) -> str:
    """What to try for a reason and the first value that has it; empty where nothing is known."""
    if reason.endswith(" is not a time"):
        fitting = [form for form in _TIME_FORMATS if _reads(form, value)]
        return " or ".join(f"try --time-format {form!r}" for form in fitting)
    for pattern, text in _BY_REASON:
        if match := pattern.match(reason):
            return text.format(*match.groups())
    return ""


def _reads(form: str, value: str) -> bool:
    try:
        datetime.strptime(value.strip(), form)  # noqa: DTZ007 - only whether it can
    except ValueError:
        return False
    return True
