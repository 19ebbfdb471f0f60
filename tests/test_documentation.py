"""What README, docs and the other pages say, held against the files and settings that they name."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.settings.model import AccountSettings, PaperSettings, Settings
from app.settings.reading import PREFIX

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
README = (ROOT / "README.md").read_text()
SETTINGS = (ROOT / "docs" / "settings.md").read_text()
INDEX = (ROOT / "docs" / "README.md").read_text()
# Defaults that the page gives in words; None is shown as "none", or as what applies then.
IN_WORDS = {"allowed_hosts", "database_url"}
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
# No page is written in these words.
RIDDLES = re.compile(r"\b(whoever|is told|none where)\b", re.IGNORECASE)


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rows_of(heading: str) -> Mapping[str, str]:
    """The rows of the table under a heading of docs/settings.md, by each setting in them."""
    _, _, section = SETTINGS.partition(heading)
    table, _, _ = section[section.index("|") :].partition("\n\n")
    return {
        name: row
        for row in table.splitlines()
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@each_page
def test_every_file_and_folder_that_is_named_is_there(page: Path) -> None:
    rooms = "app|benchmarks|docs|examples|migrations|schema|tests"
    for name in re.findall(rf"\b(?<!/)(?:{rooms})/[\w./-]*\w", page.read_text()):
        assert (ROOT / name).exists() or (page.parent / name).exists(), name


@each_page
def test_every_page_is_in_plain_words(page: Path) -> None:
    assert RIDDLES.findall(page.read_text()) == []


def test_the_readme_is_short_and_fits_a_screen() -> None:
    lines = README.splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) > 120] == []


@pytest.mark.parametrize(
    ("language", "name"), [("python", "subscribe.py"), ("javascript", "subscribe.mjs")]
)
def test_the_readme_shows_the_subscribers_as_they_are(language: str, name: str) -> None:
    [shown] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert f"\n{shown}\n" in (ROOT / "examples" / name).read_text()


def test_the_index_names_every_page() -> None:
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages - set(re.findall(r"\]\(([\w-]+\.md)\)", INDEX)) == set()


def test_every_setting_is_described_with_its_variable_and_default() -> None:
    rows: dict[str, str] = {}
    for heading in ("## Server", "## Data", "## Access", "## Trading"):
        rows |= rows_of(heading)
    assert set(rows) == set(Settings.model_fields) - {"accounts"}
    for name, field in Settings.model_fields.items():
        if name == "accounts":
            continue
        _, _, variables, default, meaning, _ = rows[name].split("|")
        assert f"`{PREFIX}{name.upper()}`" in variables
        assert meaning.strip()
        if name not in IN_WORDS and field.default not in (None, ()):
            given = field.default if isinstance(field.default, tuple) else (field.default,)
            said = [str(value).lower() if value in (True, False) else str(value) for value in given]
            assert re.findall(r"`([^`]+)`", default) == said, name


def test_every_setting_of_an_account_is_described() -> None:
    rows = rows_of("## Accounts")
    assert set(rows) == set(AccountSettings.model_fields)
    for name, row in rows.items():
        assert f"`{PREFIX}ACCOUNTS__NAME__{name.removesuffix('_file').upper()}" in row


def test_every_setting_of_the_paper_exchange_is_described() -> None:
    assert set(rows_of("The table `paper`")) == set(PaperSettings.model_fields)
