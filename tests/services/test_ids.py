from app.services.ids import AscendingIds


def test_ids_sort_in_the_order_in_which_they_were_made() -> None:
    ids = AscendingIds()
    made = [ids.new() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert {len(one) for one in made} == {26}
