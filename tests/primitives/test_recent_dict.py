from app.primitives.recent_dict import RecentDict


def test_the_oldest_key_is_forgotten() -> None:
    recent: RecentDict[str, int] = RecentDict(2)
    for number, key in enumerate("abc"):
        recent[key] = number
    assert recent == {"b": 1, "c": 2}


def test_a_key_that_is_set_again_keeps_its_age() -> None:
    recent: RecentDict[str, int] = RecentDict(2)
    recent["a"], recent["b"] = 1, 2
    recent["a"] = 3
    recent["c"] = 4
    assert recent == {"b": 2, "c": 4}


def test_a_key_that_was_popped_is_the_newest_again() -> None:
    recent: RecentDict[str, int] = RecentDict(2)
    recent["a"], recent["b"] = 1, 2
    recent["a"] = recent.pop("a")
    recent["c"] = 3
    assert recent == {"a": 1, "c": 3}
