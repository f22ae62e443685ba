"""Accessibility of the page in Chromium, checked by axe-core: three sizes, light and dark, overview and experiment.

Opt-in, because it needs both: `npm install axe-core` in some folder, then
STOICHLOOP_AXE=that/folder/node_modules/axe-core/axe.min.js pytest -m browser tests/agent/report
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from agent.campaign.folder import open_campaign
from simulator.dataset import Dataset
from tests.conftest import clone_for, lead

_AXE, _CHROMIUM = os.environ.get("STOICHLOOP_AXE"), shutil.which("chromium")
_SIZES = {"workstation": "1440,900", "tablet": "820,1180", "phone": "500,844"}  # a headless window is 500 wide at least
_SCHEMES = {"light": "1", "dark": "0"}
_RUN = """
axe.run(document, {resultTypes: ["violations"]}).then((result) => {
  const told = document.createElement("pre");
  told.id = "told";
  told.textContent = JSON.stringify({
    sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    violations: result.violations.map((each) => [each.impact, each.id, each.nodes[0].html]),
  });
  document.body.append(told);
});
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, tiny: Dataset) -> str:
    workspace = clone_for(tmp_path_factory.mktemp("browser") / "clone", tiny)
    lead(workspace, tiny, "moves", 2)
    return open_campaign(workspace, "night").report_path.read_text(encoding="utf-8")


@pytest.mark.browser
@pytest.mark.skipif(not (_AXE and _CHROMIUM), reason="needs chromium, and STOICHLOOP_AXE with the path of axe.min.js")
@pytest.mark.parametrize("size", _SIZES)
@pytest.mark.parametrize("scheme", _SCHEMES)
@pytest.mark.parametrize("place", ["", "#e0002"])
def test_the_page_is_accessible(page: str, tmp_path: Path, size: str, scheme: str, place: str) -> None:
    assert _AXE is not None
    assert _CHROMIUM is not None
    # The page's own policy would block the script that examines it.
    examined = re.sub(r"<meta http-equiv=[^>]*>", "", page, count=1).replace(
        "</body>", f"<script>{Path(_AXE).read_text(encoding='utf-8')}</script><script>{_RUN}</script></body>"
    )
    file = tmp_path / "examined.html"
    file.write_text(examined, encoding="utf-8")
    options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    dumped = subprocess.run(
        [
            _CHROMIUM,
            *options.split(),
            "--virtual-time-budget=20000",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={_SIZES[size]}",
            f"--blink-settings=preferredColorScheme={_SCHEMES[scheme]}",
            "--dump-dom",
            f"{file.as_uri()}{place}",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    told = re.search(r'<pre id="told">(.*?)</pre>', dumped, re.DOTALL)
    assert told is not None
    answer = json.loads(unescape(told[1]))
    assert answer["sideways"] == 0
    assert [each for each in answer["violations"] if each[0] in ("serious", "critical", "moderate")] == []
