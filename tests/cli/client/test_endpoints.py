from pathlib import Path

import pytest
import typer

from app.cli.client.endpoints import Endpoint, NoToken, find_endpoint, normal_url

SECRET = "odk_" + "s" * 40


@pytest.mark.parametrize(
    ("given", "url", "socket_url"),
    [
        ("http://deck:80", "http://deck:80/graphql", "ws://deck:80/graphql"),
        ("https://deck/", "https://deck/graphql", "wss://deck/graphql"),
        ("wss://deck/graphql", "https://deck/graphql", "wss://deck/graphql"),
        ("http://[::1]:8/at/", "http://[::1]:8/at/graphql", "ws://[::1]:8/at/graphql"),
    ],
)
def test_an_address_is_completed(given: str, url: str, socket_url: str) -> None:
    endpoint = Endpoint(url=normal_url(given), token=SECRET)
    assert (endpoint.url, endpoint.socket_url) == (url, socket_url)


@pytest.mark.parametrize(
    "given", ["deck", "ftp://deck", "http://", "http://deck:x", "http://a\x1b", "http://u:p@deck"]
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(typer.BadParameter):
        normal_url(given)


def test_the_token_of_the_environment_goes_before_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "admin-token").write_text("of-the-data-folder-" + "d" * 40)
    (folder / "mine").write_text("of-my-file-" + "m" * 40 + "\n")
    assert find_endpoint(None, None).token.startswith("of-the-data-folder")
    assert find_endpoint(None, folder / "mine").token == "of-my-file-" + "m" * 40
    monkeypatch.setenv("ORDERDECK_TOKEN", SECRET)
    assert find_endpoint(None, folder / "mine").token == SECRET
    assert SECRET not in repr(find_endpoint(None, None))


def test_the_address_is_that_of_the_settings_unless_it_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDERDECK_TOKEN", SECRET)
    monkeypatch.setenv("ORDERDECK_HOST", "0.0.0.0")  # noqa: S104
    monkeypatch.setenv("ORDERDECK_PORT", "81")
    assert find_endpoint(None, None).url == "http://127.0.0.1:81/graphql"
    monkeypatch.setenv("ORDERDECK_URL", "http://a")
    assert find_endpoint(None, None).url == "http://a/graphql"
    assert find_endpoint("http://b", None).url == "http://b/graphql"


def test_no_token_at_all_is_told(folder: Path) -> None:
    with pytest.raises(NoToken, match="ORDERDECK_TOKEN"):
        find_endpoint("http://a", None)
    (folder / "short").write_text("short")
    with pytest.raises(NoToken, match="holds no token"):
        find_endpoint("http://a", folder / "short")
