"""Reads /metrics as Prometheus does."""

from prometheus_client.parser import text_string_to_metric_families

from tests.support.api.clients import Client


async def scrape(client: Client) -> str:
    answer = await client.page("/metrics")
    assert answer.status_code == 200, answer.text
    return answer.text


async def value(client: Client, name: str, **labels: str) -> float:
    """The value of one sample, or 0 if it does not exist yet."""
    families = text_string_to_metric_families(await scrape(client))
    samples = (sample for family in families for sample in family.samples)
    values = (it.value for it in samples if (it.name, it.labels) == (name, labels))
    return next(values, 0.0)
