"""The site is built from the pages, strictly, and loads nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from runpy import run_path

import pytest

from stoichloop import __all__ as names
from tests.conftest import ROOT

pytest.importorskip("mkdocs")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, built as `make site` does: a link that leads nowhere fails it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.long
def test_links_that_work_in_a_forge_work_on_the_site(site: Path) -> None:
    home = (site / "index.html").read_text()
    assert 'href="notes/integer-columns.html"' in home
    assert 'src="pictures/report.png"' in home
    assert "def lead(" in re.sub(r"<[^>]*>", "", (site / "source/agent/loop/loop.py.html").read_text())
    assert 'href="source/agent/loop/loop.py.html"' in (site / "loop.html").read_text()


def test_a_recorded_night_is_embedded_and_its_texts_are_pages(site: Path) -> None:
    page = (site / "campaigns/index.html").read_text()
    assert '<iframe class="report" src="demo/report.html"' in page
    assert (site / "campaigns/demo/report.html").is_file()
    assert 'href="pde_m1/log.html"' in page


def test_notebooks_are_pages_with_what_they_printed_and_drew(site: Path, tmp_path: Path) -> None:
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        assert "<pre" in (site / "source/notebooks" / f"{notebook.name}.html").read_text()
    outputs = [{"text": ["94 ", "of 94"]}, {"data": {"image/png": "iVBO\nRw==", "text/plain": "<Figure>"}}]
    cells = [
        {"cell_type": "markdown", "source": ["# A night"]},
        {"cell_type": "code", "source": "1", "outputs": outputs},
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells}))
    page = run_path(str(ROOT / "docs" / "site_pages.py"))["_cells"](tmp_path / "a.ipynb")
    assert page.startswith("# A night\n\n``````python\n1\n``````\n\n``````text\n94 of 94\n``````")
    assert page.endswith("](data:image/png;base64,iVBORw==)")


def test_the_reference_has_what_the_package_offers(site: Path) -> None:
    page = (site / "reference.html").read_text()
    public = [name for name in names if not name.startswith("__")]
    assert [name for name in public if f'id="stoichloop.{name}"' not in page] == []
    assert "__all__" not in page


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = re.findall(r'(?:<script[^>]* src|<link[^>]* href|<img[^>]* src)="(https?:[^"]*)', page.read_text())
        assert loaded == [], page
