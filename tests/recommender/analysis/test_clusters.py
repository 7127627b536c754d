import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from recommender.analysis import clusters, nearest
from tests.recommender.analysis.clouds import clouds


def test_clouds_are_found() -> None:
    vectors, labels = clouds(6, 50)

    centroids = clusters.fit(vectors, 6)
    found = clusters.assign(vectors, centroids)

    assert adjusted_rand_score(labels, found.labels) == 1.0
    assert np.allclose(np.linalg.norm(centroids, axis=1), 1)
    assert (found.margins > 0.3).all()


def test_the_largest_cluster_comes_first() -> None:
    vectors, labels = clouds(3, 60)
    kept = np.concatenate(
        [np.flatnonzero(labels == cloud)[: 20 * (cloud + 1)] for cloud in range(3)]
    )

    centroids = clusters.fit(vectors[kept], 3)

    sizes = np.bincount(clusters.assign(vectors[kept], centroids).labels)
    assert sizes.tolist() == [60, 40, 20]


def test_the_same_vectors_make_the_same_clusters() -> None:
    vectors, _ = clouds(4, 30)

    assert np.array_equal(clusters.fit(vectors, 5), clusters.fit(vectors, 5))


def test_equal_vectors_are_one_cluster() -> None:
    vectors = np.tile(np.float32([0.6, 0.8]), (9, 1))

    assert len(clusters.fit(vectors, 3)) == 1
    found = clusters.assign(vectors, clusters.fit(vectors, 3))
    assert set(found.others) == {-1}


def test_more_clusters_than_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="n_samples=4"):
        clusters.fit(clouds(2, 2)[0], 5)


def test_numbers_that_are_none_are_refused() -> None:
    vectors = clouds(2, 5)[0]
    vectors[3, 1] = np.nan

    with pytest.raises(ValueError, match="NaN"):
        clusters.fit(vectors, 2)


@given(rows=st.integers(1, 60), count=st.integers(1, 5), seed=st.integers(0, 99))
def test_a_row_is_in_the_cluster_it_is_nearest_to(rows: int, count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors = nearest.units(random.normal(size=(rows, 7)).astype(np.float32))
    centroids = nearest.units(random.normal(size=(count, 7)).astype(np.float32))

    found = clusters.assign(vectors, centroids)

    similarity = vectors @ centroids.T
    assert np.array_equal(found.labels, similarity.argmax(axis=1))
    assert np.allclose(found.nearness, similarity.max(axis=1), atol=1e-6)
    assert (found.margins >= 0).all()
    assert (found.others != found.labels).all()


def test_sections_hold_clusters_that_are_alike() -> None:
    random = np.random.default_rng(1)
    above = np.linalg.qr(random.normal(size=(32, 32)))[0][:3]
    members = np.repeat(np.arange(3), 3)
    centroids = above[members] + random.normal(scale=0.05, size=(9, 32))
    centroids = nearest.units(centroids.astype(np.float32))

    found = clusters.sections(centroids)

    assert adjusted_rand_score(members, found) == 1.0
    assert found[0] == 0


def test_few_clusters_have_one_section() -> None:
    assert clusters.sections(clouds(4, 1)[0]).tolist() == [0, 0, 0, 0]
