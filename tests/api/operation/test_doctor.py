"""What the doctor hears of a server that runs."""

from pathlib import Path

from structlog.testing import capture_logs

from app.cli.running import check_readiness
from app.domain.findings import Finding, Severity
from app.exchanges.paper.faults import Faults
from tests.api.conftest import Api, Serve, settings_of
from tests.api.test_faults import spoil


async def heard(api: Api, database_url: str, folder: Path) -> Finding:
    port = str(api.address.port)
    [finding] = await check_readiness(settings_of(database_url, folder, port=port))
    return finding


async def test_a_server_that_is_ready(api: Api, database_url: str, tmp_path: Path) -> None:
    finding = await heard(api, database_url, tmp_path)
    assert (finding.level, finding.words) == (Severity.OK, "it runs, and is ready")


async def test_a_server_that_waits_for_its_exchange(
    serve: Serve, faults: Faults, database_url: str, tmp_path: Path
) -> None:
    faults.is_disconnected = True
    finding = await heard(await serve(), database_url, tmp_path)
    assert finding.level is Severity.WARNING
    assert (
        finding.words
        == "it runs, and is starting: an account was not yet compared with its exchange"
    )


async def test_a_server_on_a_newer_database(api: Api, database_url: str, tmp_path: Path) -> None:
    spoil(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with capture_logs():
        finding = await heard(api, database_url, tmp_path)
    assert finding.level is Severity.FAULT
    assert "is unready: its database" in finding.words


async def test_where_none_runs_nothing_is_said(database_url: str, tmp_path: Path) -> None:
    assert await check_readiness(settings_of(database_url, tmp_path, port="1")) == []
