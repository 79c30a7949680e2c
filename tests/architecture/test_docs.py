"""The documentation names only what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from homeserver.bootstrap import route_table

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), ROOT / "clients/python/README.md", *(ROOT / "docs").rglob("*.md")]
)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
CODE = re.compile(r"`([^`\s]+)`")
# what a page may name: a file, a folder, or a dotted test such as `tests/unit`
REPOSITORY_PATH = re.compile(
    r"(homeserver|workers|migrations|deploy|tests|docs|requirements)/[\w./-]*"
)


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    titles = HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    plain = (re.sub(r"[^\w\- ]", "", title).lower() for title in titles)
    return {title.replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for link in LINK.findall(text):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        place = (page.parent / target).resolve() if target else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_files_that_a_page_names_exist(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    named = [name for name in CODE.findall(text) if REPOSITORY_PATH.fullmatch(name)]
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_subsystem_and_decision_is_in_its_index() -> None:
    for folder in ("subsystems", "decisions"):
        index = (ROOT / "docs" / folder / "README.md").read_text(encoding="utf-8")
        pages = [p.name for p in (ROOT / "docs" / folder).glob("*.md") if p.name != "README.md"]
        assert [name for name in pages if f"({name})" not in index] == []


def test_every_route_says_what_it_is_for() -> None:
    assert [f"{r.method} {r.path}" for r in route_table() if not r.doc] == []
