"""Each format is recognised by its files, and becomes the set that its publisher means."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality import formats
from benchmarks.quality.dataset import Dataset, PrepareError, Times
from tests.benchmarks.quality import folders
from tests.benchmarks.quality.folders import PRODUCTS, USERS, histories


def prepared(folder: Path, name: str) -> Dataset:
    (one,) = [one for one in formats.found(folder) if one.name == name]
    return one.prepare()


def wanted_by(dataset: Dataset, user: str) -> set[str]:
    row = list(dataset.users).index(user)
    return {dataset.products[column] for column in dataset.wanted[[row]].indices}


def test_every_set_of_a_folder_of_folders_is_found(tmp_path: Path) -> None:
    folders.plain(tmp_path / "toys")
    folders.retail(tmp_path / "retail")
    folders.movielens(tmp_path / "films")
    folders.lightgcn(tmp_path / "gowalla")
    folders.sequences(tmp_path / "sasrec")
    folders.amazon(tmp_path / "amazon")
    (tmp_path / "other").mkdir()

    names = {one.name for one in formats.found(tmp_path)}

    assert names == {
        "toys",
        "online-retail-new",
        "online-retail-all",
        "online-retail-time",
        "ml-100k-last",
        "ml-100k-clicks",
        "ml-100k-time",
        "gowalla",
        "tiny",
        "amazon-tiny",
    }


def test_the_folder_of_one_set_is_enough(tmp_path: Path) -> None:
    folders.lightgcn(tmp_path / "gowalla")

    assert [one.name for one in formats.found(tmp_path / "gowalla")] == ["gowalla"]


def test_two_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    folders.movielens(tmp_path / "one")
    folders.movielens(tmp_path / "two", is_recbole=True)

    with pytest.raises(PrepareError, match="both have a set 'ml-100k-last'"):
        formats.found(tmp_path)


def test_a_plain_set_wants_what_its_truth_says(tmp_path: Path) -> None:
    dataset = prepared(folders.plain(tmp_path / "toys"), "toys")

    assert dataset.shape == (USERS, PRODUCTS)
    assert dataset.times is Times.ORDER
    assert dataset.titles is not None
    assert dataset.titles[3] == "blue lamp, no. 3"
    assert wanted_by(dataset, "u0") == {f"p{histories()[0][-1]}"}
    assert len(dataset.tested) == USERS


def test_plain_settings_are_chosen_as_the_set_is_cut(tmp_path: Path) -> None:
    of_next = prepared(folders.plain(tmp_path / "next"), "next").validation
    of_clicks = prepared(folders.plain(tmp_path / "clicks", is_next=False), "clicks").validation

    assert wanted_by(of_next, "u0") == {f"p{histories()[0][-2]}"}
    assert of_clicks.times is Times.NONE
    assert len(wanted_by(of_clicks, "u0")) == 1  # a fifth of five
    assert wanted_by(of_clicks, "u0") <= {f"p{item}" for item in histories()[0][:-2]}


def test_retail_leaves_out_what_is_no_sale_and_cuts_at_october(tmp_path: Path) -> None:
    folder = folders.retail(tmp_path / "retail")
    new, everything = (prepared(folder, f"online-retail-{mode}") for mode in ("new", "all"))

    assert "POST" not in new.products
    assert "7" in new.users
    own, other = (20_000 + item for item in (histories()[0][0], histories()[0][0] + 1))
    assert str(own) not in wanted_by(new, "0")
    assert {str(own), str(other)} <= wanted_by(everything, "0")
    assert new.known.at.max() < 1_317_427_200 <= new.found.at.min()
    assert new.prices is not None
    assert set(new.prices) == {1.5}


def test_retail_by_global_time_cuts_nine_tenths_of_the_events(tmp_path: Path) -> None:
    dataset = prepared(folders.retail(tmp_path / "retail"), "online-retail-time")

    share = len(dataset.known) / (len(dataset.known) + len(dataset.found))
    assert 0.85 <= share <= 0.95
    assert dataset.known.at.max() < dataset.found.at.min()


@pytest.mark.parametrize("is_recbole", [False, True])
def test_movielens_is_read_in_both_shapes(tmp_path: Path, is_recbole: bool) -> None:
    folder = folders.movielens(tmp_path / "films", is_recbole=is_recbole)
    last, clicks = (prepared(folder, f"ml-100k-{name}") for name in ("last", "clicks"))

    assert wanted_by(last, "0") == {str(histories()[0][-1])}
    assert last.titles is not None
    assert last.titles[2] == ("Film 2" if is_recbole else "Amélie 2")
    assert last.known.values is not None
    assert clicks.titles is clicks.known.values is None
    assert not clicks.known.at.any()
    assert len(wanted_by(clicks, "0")) == 1  # a fifth of seven


def test_lightgcn_keeps_the_split_of_its_publishers(tmp_path: Path) -> None:
    dataset = prepared(folders.lightgcn(tmp_path / "gowalla"), "gowalla")

    assert wanted_by(dataset, "0") == set(map(str, histories()[0][-2:]))
    assert dataset.shape == (USERS + 1, PRODUCTS)
    assert len(dataset.tested) == USERS  # not the one without items


@pytest.mark.parametrize(
    ("write", "name", "user", "prefix", "times"),
    [
        (folders.sequences, "tiny", "1", "", Times.ORDER),
        (folders.amazon, "amazon-tiny", "A0", "B", Times.REAL),
    ],
)
def test_next_item_sets_want_the_last_item(tmp_path, write, name, user, prefix, times) -> None:
    dataset = prepared(write(tmp_path / "next"), name)

    last = histories()[0][-1] + (prefix == "")
    assert wanted_by(dataset, user) == {f"{prefix}{last}"}
    assert dataset.times is times
    assert (dataset.titles is not None) == (prefix == "B")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("truth.csv", "user,product\nu0,p99\n", "'p99'"),
        ("truth.csv", "user,item\nu0,p1\n", "no column 'product'"),
        ("products.csv", "id\np1\n", "not among the set's products"),
        ("events.csv", "user,product,at\nu0,p1,yesterday\n", "'yesterday' is no ISO 8601"),
        ("events.csv", b"\xff\xfe\x00", "cannot be read"),
        ("truth.csv", "user,product\n", r"truth\.csv has no row"),
        ("truth.csv", "user,product\nsomebody,p1\n", "nobody with a history"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path, file, content, said) -> None:
    folder = folders.plain(tmp_path / "toys")
    (folder / "events.csv.gz").unlink() if file == "events.csv" else None
    (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(PrepareError, match=said):
        prepared(folder, "toys")


def test_reviews_without_their_products_are_refused(tmp_path: Path) -> None:
    folder = folders.amazon(tmp_path / "amazon")
    (folder / "meta_Tiny.json.gz").unlink()

    with pytest.raises(PrepareError, match=r"no meta_Tiny\.json"):
        prepared(folder, "amazon-tiny")


def test_the_gift_shop_has_the_users_of_the_published_protocol() -> None:
    """Needs the file, which Kinship does not bring: KINSHIP_PUBLIC_SETS names its folder."""
    folder = os.environ.get("KINSHIP_PUBLIC_SETS")
    if folder is None:
        pytest.skip("KINSHIP_PUBLIC_SETS does not name a folder of public sets.")
    sets = {one.name: one for one in formats.found(Path(folder))}
    if "online-retail-new" not in sets:
        pytest.skip(f"{folder} does not have Online Retail.")

    new, everything = (sets[f"online-retail-{mode}"].prepare() for mode in ("new", "all"))

    assert new.shape[1] == 3659
    assert (len(new.tested), len(everything.tested)) == (1768, 1838)
    assert np.all(np.diff(new.wanted.indptr)[new.tested] > 0)
