from app.primitives.backoff import Backoff


def test_the_pause_doubles_up_to_the_longest() -> None:
    pauses = Backoff(first=0.5, longest=3)
    assert [pauses.next() for _ in range(5)] == [0.5, 1, 2, 3, 3]


def test_a_success_sets_the_pause_back() -> None:
    pauses = Backoff(first=0.5, longest=3)
    pauses.next()
    pauses.reset()
    assert pauses.next() == 0.5
