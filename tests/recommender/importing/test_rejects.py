from recommender.importing import rejects


def test_each_import_has_a_rejects_file_of_its_own(tmp_path):
    first = rejects.default_path(tmp_path, "shop", "events", "a.csv")
    second = rejects.default_path(tmp_path, "shop", "events", "a.csv")
    assert first != second
    assert first.parent == tmp_path / "rejects"
    assert first.name.startswith("shop-events-a.csv-")


def test_a_check_leaves_nothing_behind(tmp_path):
    rejects.check(tmp_path / "new" / "rejects.csv", tmp_path / "source.csv")
    assert list((tmp_path / "new").iterdir()) == []
