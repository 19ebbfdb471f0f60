"""The metrics as Prometheus reads them."""

from prometheus_client.parser import text_string_to_metric_families

from tests.support.api.clients import Client


async def told(client: Client) -> str:
    answer = await client.page("/metrics")
    assert answer.status_code == 200, answer.text
    return answer.text


async def value(client: Client, name: str, **labels: str) -> float:
    """Of one sample; what was never counted is 0."""
    families = text_string_to_metric_families(await told(client))
    samples = (sample for family in families for sample in family.samples)
    wanted = (one.value for one in samples if (one.name, one.labels) == (name, labels))
    return next(wanted, 0.0)
