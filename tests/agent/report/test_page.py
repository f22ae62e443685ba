"""The report of a real campaign on the tiny regime: its content, and its safety against hostile text."""

from __future__ import annotations

import json
import re
import shutil
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from threading import Thread

import pytest

from agent.campaign.folder import CampaignFolder, open_campaign
from agent.executor.workspace import Workspace
from agent.report import serve
from agent.report.page import PAGES, Report
from agent.report.serve import ReportServer
from memory.ledger import Ledger
from memory.records import Decision, Experiment, Verdict
from simulator.dataset import Dataset, verify
from tests.agent.experiments import scored
from tests.conftest import clone_for, command_line, lead, train_quickly


class _Page(HTMLParser):
    """Ids, links, text, and the sources that a browser would fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if "id" in known:
            self.ids.append(known["id"])
        for name in ("href", "src", "xlink:href"):
            if name in known and tag == "a":
                self.links.append(known[name])
            elif name in known:
                self.fetched.append(known[name])

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


Night = tuple[Workspace, CampaignFolder, Dataset]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, tiny: Dataset) -> Night:
    workspace = train_quickly(clone_for(tmp_path_factory.mktemp("report") / "clone", tiny))
    lead(workspace, tiny, "sweep", 1)
    return workspace, open_campaign(workspace, "night"), verify(tiny.regime, workspace.data)


@pytest.fixture
def again(night: Night, tmp_path: Path) -> Night:
    """Return a copy of the campaign that a test may extend."""
    root = tmp_path / "again"
    shutil.copytree(night[0].root, root, symlinks=True)
    workspace = replace(night[0], root=root)
    return workspace, open_campaign(workspace, "night"), night[2]


def test_a_night_leaves_a_page_that_answers_and_fetches_nothing(night: Night) -> None:
    _, campaign, dataset = night
    page = _Page(campaign.report_path.read_text(encoding="utf-8"))
    for words in ("Best experiment e0001", "Evidence", "Changes behind it", "Next:", "Spent:", "degeneracy gap"):
        assert words in page.text
    assert "Stopped: 1 of 1 experiments used Next: stoichloop explore pde_m1_tiny --campaign night" in page.text
    assert "Running" not in page.text
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        for e in ledger.experiments():
            assert e.id in page.ids
            assert e.hypothesis in page.text
            if e.verdict and e.verdict.effect is not None:
                assert f"{e.verdict.effect:+.4f} against {e.verdict.rival}" in page.text
    assert all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert all(source.startswith(("data:", "#")) for source in page.fetched)
    assert len(page.ids) == len(set(page.ids))
    assert dataset.regime.network.reaction_names[0]


def test_the_same_ledger_gives_the_same_page(night: Night) -> None:
    def rendered() -> str:
        with Ledger(campaign.ledger_path, readonly=True) as ledger:
            return re.sub(r"Rendered \S+ \S+", "", Report(workspace, campaign, dataset).html(ledger))

    workspace, campaign, dataset = night
    assert rendered() == rendered()


def test_what_was_written_by_others_is_shown_as_text(again: Night) -> None:
    """A planner may write markup into a hypothesis, a patch and a reason."""
    (_, campaign, _), hostile = again, "<script>alert(1)</script><img src=x onerror=alert(1)>"
    with Ledger(campaign.ledger_path) as ledger:
        told = replace(
            _experiment(ledger, 1), hypothesis=hostile, patch=f"+{hostile}", verdict=Verdict("refused", hostile)
        )
        ledger.open_block(Decision("code", None, hostile), [told])
        page = _Page(Report(*again).html(ledger))
    assert page.text.count(hostile) >= 4
    assert not [source for source in page.fetched if source == "x"]


def test_a_long_campaign_keeps_pages_of_the_newest_and_of_the_accepted(again: Night) -> None:
    with Ledger(again[1].ledger_path) as ledger:
        many = [_experiment(ledger, number + 1) for number in range(PAGES + 20)]
        ledger.open_block(Decision("sweep", None, "many"), many)
        page = _Page(Report(*again).html(ledger))
    assert "e0001" in page.ids
    assert many[-1].id in page.ids
    assert many[0].id not in page.ids
    assert "older experiments that were not accepted are not shown" in page.text
    assert {link[1:] for link in page.links} <= set(page.ids)


def _experiment(ledger: Ledger, further: int) -> Experiment:
    """Return one more experiment, refused, in the next block."""
    name = f"e{len(ledger.experiments()) + further:04d}"
    return replace(
        scored(name, block=ledger.next_block(), verdict=Verdict("refused", "why")), parent="e0001", fingerprint=name
    )


@pytest.fixture
def server(night: Night) -> Iterator[ReportServer]:
    serving = ReportServer(Report(*night), 0)
    thread = Thread(target=serving.serve_forever)
    thread.start()
    yield serving
    serving.shutdown()
    serving.server_close()
    thread.join()


def test_it_is_served_to_this_machine_alone(server: ReportServer) -> None:
    with urllib.request.urlopen(server.address) as answer:
        page = answer.read().decode()
    assert "follow(" in page
    assert server.server_address[0] == "127.0.0.1"
    with urllib.request.urlopen(f"{server.address}at") as answer:
        assert f"follow({answer.read().decode()})" in page
    for asked in (
        urllib.request.Request(f"{server.address}../memory.db"),
        urllib.request.Request(server.address, headers={"Host": "elsewhere.example"}),
    ):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(asked)


def test_a_head_is_what_a_page_has_without_the_page(server: ReportServer) -> None:
    asked = urllib.request.Request(server.address, method="HEAD")
    with urllib.request.urlopen(asked) as answer, urllib.request.urlopen(server.address) as whole:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert abs(int(answer.headers["Content-Length"]) - len(whole.read())) < 10
        assert answer.read() == b""


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"\x16\x03\x01"])
def test_slow_and_many_clients_are_let_go(server: ReportServer, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(serve, "_REQUEST_S", 0.5)
    clients = [socket.create_connection((serve.HOST, server.server_address[1])) for _ in range(2 * serve._CONNECTIONS)]
    for client in clients:
        with suppress(OSError):  # closed at once, being too many
            client.sendall(sent)
    deadline = time.monotonic() + 20.0
    for client in clients:
        client.settimeout(max(0.1, deadline - time.monotonic()))
        with suppress(ConnectionError):
            while client.recv(4096):
                pass
        client.close()
    with urllib.request.urlopen(f"{server.address}at") as answer:
        assert float(answer.read()) > 0.0


def test_a_client_that_sends_a_byte_now_and_then_is_let_go(
    server: ReportServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "_REQUEST_S", 0.5)
    started = time.monotonic()
    with socket.create_connection((serve.HOST, server.server_address[1])) as client, suppress(ConnectionError):
        while time.monotonic() - started < 20.0:
            client.sendall(b"x")
            time.sleep(0.05)
    assert time.monotonic() - started < 20.0


def test_a_client_that_leaves_is_no_fault(server: ReportServer, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        client = socket.create_connection((serve.HOST, server.server_address[1]))
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leaves with a reset
        client.close()
    deadline = time.monotonic() + 60.0
    while server.connections and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.connections == 0
    assert capfd.readouterr().err == ""


def test_the_command_writes_it_and_says_where(again: Night) -> None:
    workspace, campaign, _ = again
    campaign.report_path.unlink()

    def asked(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command_line("report", *arguments), cwd=workspace.root, capture_output=True, text=True, check=False
        )

    assert json.loads(asked("--json").stdout) == {"campaign": "night", "report": str(campaign.report_path)}
    assert campaign.report_path.read_text().startswith("<!doctype html>")
    refused = asked("nowhere")
    assert refused.returncode == 1
    assert "nowhere" in refused.stderr
