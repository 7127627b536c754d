from recommender.ranking.contributions import grouping, part


def test_a_part_is_the_first_word():
    assert part("text:titles:last#rank") == "text"
    assert part("popular:week") == "popular"


def test_what_is_known_of_the_user_is_common_to_all():
    assert part("user:events") == "base"


def test_every_feature_is_of_one_part_and_the_base_is_first():
    names, places = grouping(("text:a:last", "user:days", "text:a:last#rank", "popular:all"))
    assert names == ("base", "text", "popular")
    assert places.tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
