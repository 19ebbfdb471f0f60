"""The system's clock: what its two readings promise."""

from app.clocks import SystemClock


def test_elapsed_time_only_grows() -> None:
    clock = SystemClock()
    readings = [clock.elapsed() for _ in range(10_000)]
    assert readings == sorted(readings)


async def test_a_pause_has_elapsed_when_it_is_over() -> None:
    clock = SystemClock()
    began = clock.elapsed()
    await clock.sleep(0.05)
    assert clock.elapsed() - began >= 0.045
