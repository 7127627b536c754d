import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.analysis.polygons import inside

HOOK = np.array([[0, 0], [4, 0], [4, 4], [2, 4], [2, 2], [0, 2]], dtype=float)


def test_a_bay_of_a_polygon_is_outside() -> None:
    points = np.array([[1, 1], [3, 3], [1, 3], [5, 1], [-1, 1]], dtype=float)

    assert inside(points, HOOK).tolist() == [True, True, False, False, False]


@given(
    st.lists(
        st.tuples(
            st.floats(-2, 2).map(lambda v: v + 1e-4), st.floats(-2, 2).map(lambda v: v + 1e-4)
        ),
        max_size=20,
    ),
    st.booleans(),
)
def test_a_rectangle_holds_what_is_between_its_sides(
    points: list[tuple[float, float]], is_turned: bool
) -> None:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=float)
    rows = np.array(points).reshape(-1, 2)
    rows = rows[(np.abs(np.abs(rows) - 1) > 1e-9).all(axis=1)]

    found = inside(rows, corners[::-1] if is_turned else corners)

    assert np.array_equal(found, (np.abs(rows) < 1).all(axis=1))


def test_a_line_holds_nothing() -> None:
    line = np.array([[0, 0], [1, 1]], dtype=float)

    assert not inside(np.array([[0.5, 0.4]]), line).any()
