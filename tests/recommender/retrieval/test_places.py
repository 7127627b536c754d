import pytest

from recommender import database
from recommender.retrieval import places
from recommender.retrieval.places import Place


@pytest.mark.parametrize(
    ("written", "metres"),
    [("500m", 500), ("10km", 10_000), ("2.5 km", 2500), ("3mi", 4828.032), (7, 7), (0.5, 0.5)],
)
def test_a_distance_has_a_unit_or_is_in_metres(written, metres):
    assert places.metres(written) == pytest.approx(metres)


@pytest.mark.parametrize("written", ["10", "km", "-1km", "0m", "1e3m", "30000km", 0, -1, True,
                                     None, float("nan"), float("inf"), []])  # fmt: skip
def test_what_is_no_distance_is_refused(written):
    with pytest.raises(ValueError, match=r"^Takes a distance"):
        places.metres(written)


def test_a_place_is_a_latitude_and_a_longitude_and_nothing_else():
    assert places.place({"lat": -90, "lon": 13.5}) == Place(-90.0, 13.5)
    for value in ({"lat": 1}, {"lat": 1, "lon": 181}, {"lat": float("nan"), "lon": 1}, [1, 2], "1"):
        assert places.place(value) is None


def test_places_are_indexed_where_no_schema_is_searched(db):
    """As when an index is built, a table analysed or a backup restored."""
    database.execute("SET LOCAL search_path TO ''")
    read = "SELECT public.kinship_places(%s::jsonb)::text"
    assert database.fetch(read, ('{"at": {"lat": 0, "lon": 0}, "x": 1}',)) == [("(6378168, 0, 0)",)]
    # Numbers that are no place, as a catalog may have of before there were places.
    for text in ('{"at": {"lat": 91, "lon": 0}}', '{"at": {"lat": "0", "lon": 0}}', "{}"):
        assert database.fetch(read, (text,)) == [(None,)]
