import asyncio
import re
from contextlib import suppress
from pathlib import Path

from app.domain.signals import Signal
from app.services.bot.strategies import StrategyRunner
from app.strategies.built_in import BUILT_IN
from app.strategies.interface import Advice
from app.strategies.parameters import as_text, read
from tests.strategies.charts import NOTHING, SOME, chart
from tests.support.clock import ManualClock

DOCUMENT = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text()


async def test_the_example_of_the_document_runs(tmp_path: Path, clock: ManualClock) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    (tmp_path / "streaks.py").write_text(example)
    runner = StrategyRunner(tmp_path, clock)
    running = asyncio.create_task(runner.run())
    try:
        assert (await runner.catalog()).broken == {}
        assert await runner.candles_needed("streaks", {}) == 4
        fallen = await runner.decide("streaks", chart([4, 3, 2, 1]), NOTHING, {})
        risen = await runner.decide("streaks", chart([1, 2, 3]), SOME, {"length": 2})
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert fallen == Advice(signal=Signal.BUY, reason="3 falls in a row", part=0.5)
    assert risen == Advice(signal=Signal.CLOSE, reason="2 rises in a row")


def test_the_document_names_every_parameter_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| (.*) \|$", DOCUMENT, re.MULTILINE))
    assert set(rows) == set(BUILT_IN)
    for name, strategy in BUILT_IN.items():
        defaults = read(strategy.Parameters, as_text({})).model_dump()
        told = re.findall(r"`(\w+)`[^(,]*\(`?([^`)]+)`?\)", rows[name])
        assert {parameter: str(value) for parameter, value in told} == {
            parameter: f"{value:g}" if isinstance(value, float) else str(value)
            for parameter, value in defaults.items()
        }
