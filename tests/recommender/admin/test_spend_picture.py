from datetime import date
from decimal import Decimal

from recommender.admin import spend_picture
from recommender.admin.spend_month import Line, Month, Took, total
from recommender.admin.spend_picture import HEIGHT

FIRST = date(2026, 2, 1)


def line(model: str, **days: Took) -> Line:
    """A line of `d1`, `d2` and so on of February."""
    by_day = {FIRST.replace(day=int(key[1:])): took for key, took in days.items()}
    return Line("shop", "text@1", model, by_day, total(by_day.values()))


def paid(cost: str, tokens: int = 1000) -> Took:
    return Took(rows=1, tokens=tokens, cost=Decimal(cost))


def test_days_are_stacked_to_the_scale_of_the_dearest() -> None:
    month = Month(FIRST, [line("a", d1=paid("3"), d2=paid("1")), line("b", d1=paid("1"))])

    picture = spend_picture.of_month(month)

    assert (picture.name, picture.top, picture.width) == ("Cost a day", "$4.00", 280)
    lower, upper, later = picture.segments
    assert (lower.x, lower.y, lower.height) == (0, HEIGHT / 4, HEIGHT * 3 / 4)
    assert (upper.x, upper.y, upper.height) == (0, 0, HEIGHT / 4)
    assert (later.x, later.y) == (10, HEIGHT * 3 / 4)
    assert lower.colour == later.colour != upper.colour
    assert lower.title == "1 February: shop text@1, a: 1,000 tokens, $3.00"


def test_what_is_free_stands_beside_no_money() -> None:
    free = line("local", d1=Took(rows=9, tokens=9_000_000))
    month = Month(FIRST, [line("a", d1=paid("1")), free])
    assert [name for name, _ in spend_picture.of_month(month).legend] == ["shop text@1, a"]

    small = spend_picture.of_line(month, free)
    assert (small.top, small.segments[0].height) == ("9,000,000 tokens", HEIGHT)


def test_a_free_month_shows_its_tokens() -> None:
    picture = spend_picture.of_month(Month(FIRST, [line("local", d28=Took(rows=1, tokens=7))]))
    assert (picture.name, picture.top) == ("Tokens a day", "7 tokens")
    assert picture.segments[0].x == 270


def test_many_lines_share_the_last_colour() -> None:
    month = Month(FIRST, [line(f"m{n}", d1=paid("1")) for n in range(7)])
    picture = spend_picture.of_month(month)
    assert [name for name, _ in picture.legend][-1] == "3 more"
    assert len({colour for _, colour in picture.legend}) == len(picture.legend) == 5
    assert picture.segments[-1].height == HEIGHT * 3 / 7


def test_rows_from_the_cache_alone_make_no_column() -> None:
    month = Month(FIRST, [line("a", d1=Took(cached_rows=5))])
    assert spend_picture.of_month(month).segments == []
    assert month.cached_share == 1.0


def test_dollars_are_finer_below_one() -> None:
    shown = [spend_picture.dollars(Decimal(each)) for each in ("1234.5", "0.00123", "0")]
    assert shown == ["$1,234.50", "$0.0012", "$0.00"]
