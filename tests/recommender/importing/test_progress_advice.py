import pytest

from recommender.importing.progress import advice


@pytest.mark.parametrize(
    ("reason", "value", "text"),
    [
        ("at is not a time", "24/08/2025 02:19", "try --time-format '%d/%m/%Y %H:%M'"),
        (
            "at is not a time",
            "04/08/2025",
            "try --time-format '%d/%m/%Y' or try --time-format '%m/%d/%Y'",
        ),
        ("released_at is not a time", "24 Aug 2025", "try --time-format '%d %b %Y'"),
        ("at is not a time", "whenever", ""),
        ("user is missing", "", "say which column has it: --map user=COLUMN"),
        ("price is not a number", "1,299", "say its decimal mark: --decimal , or --decimal ."),
        ("a reason nobody has thought of", "", ""),
    ],
)
def test_what_would_help_is_said_where_it_is_known(reason: str, value: str, text: str) -> None:
    assert advice(reason, value) == text
