"""The server as a coding assistant uses it: `stoichloop mcp` with the client of the official SDK, over stdio."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from agent.campaign.inbox import Inbox
from agent.executor.workspace import Workspace
from memory.records import Verdict
from simulator.dataset import Dataset
from tests.agent.winners.nights import SIGN_TIED, Night
from tests.conftest import ROOT, command_line

pytest.importorskip("mcp")
READS = {"campaigns", "status", "experiments", "experiment", "diff", "findings", "winners"}


def test_an_assistant_reads_a_campaign_and_queues_a_proposal(workspace: Workspace, tiny: Dataset) -> None:
    night = Night(workspace, tiny)
    night.accept("e0001", {0: 0.5, 1: 0.6}, title="tie the sign", **SIGN_TIED)
    night.reject("e0002", {0: 0.4}, title="a faster S", changes={"lr_S": 0.03})
    with night.campaign.lead():  # as its controller, so that what is queued waits for it
        night.ledger.add_session(anyio.run(_this_session))
        anyio.run(assist, workspace)
    (waiting,) = Inbox(night.campaign.inbox_path).take_up(night.ledger, lambda _: None)
    assert (waiting.kind, waiting.changes, waiting.author) == ("idea", {"lr_S": 0.005}, "A User through a test")
    night.close()


async def _this_session() -> Any:
    from agent.campaign.session import this_controller

    return this_controller("stoichloop explore pde_m1_tiny")


async def assist(workspace: Workspace) -> None:
    """Do what an assistant does."""
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client
    from mcp_types import Implementation

    command, *arguments = command_line("mcp")
    server = StdioServerParameters(
        command=command, args=arguments, cwd=workspace.root, env={"PYTHONPATH": str(ROOT), "HOME": str(workspace.root)}
    )
    async with Client(stdio_client(server), client_info=Implementation(name="a test", version="1")) as client:

        async def ask(tool: str, **given: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, given)
            return result.structured_content or {"error": result.content[0].text}  # type: ignore[union-attr]

        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools.keys() == READS | {"propose", "idea"}
        assert all(tool.description and "context" not in tool.input_schema["properties"] for tool in tools.values())
        assert (await ask("campaigns"))["campaigns"][0]["best"] == "e0002"
        assert (await ask("status"))["state"] == "running"
        listed = await ask("experiments", verdict="rejected")
        assert [(e["id"], e["changes"]) for e in listed["experiments"]] == [("e0003", {"lr_S": 0.03})]
        shown = await ask("experiment", experiment="e0003")
        assert shown["trials"][0]["scores"] == {"exact": 0.4, "blind": 0.0, "baseline_exact": 0.55}
        for written in ("3", 3, "E3"):  # as on the command line
            assert await ask("experiment", experiment=written) == shown
            assert (await ask("diff", experiment=written))["experiment"] == "e0003"
        assert "+" in (await ask("diff", experiment="e0002"))["diff"]
        assert (await ask("findings")) == {"findings": []}
        assert (await ask("winners"))["incumbent"] == "e0002"
        told = await ask("propose", hypothesis="a slower S keeps the gauge", changes={"lr_S": 0.005})
        assert told["told"].endswith("the controller takes it up now")
        misspelt = await ask("propose", hypothesis="a slower S", changes={"lrS": 0.005})
        assert "has no field 'lrS'; did you mean 'lr_S'?" in misspelt["error"]
        assert "there is no experiment 'e0009'" in (await ask("experiment", experiment="e0009"))["error"]


def test_an_assistant_is_not_told_what_happened_on_siblings(workspace: Workspace, tiny: Dataset) -> None:
    from agent.assistant.campaign_reads import CampaignReads

    night = Night(workspace, tiny)
    night.accept("e0001", {0: 0.5}, Verdict("accepted", "better"), changes={"lr_S": 0.03})
    reads = CampaignReads(workspace)
    told = f"{reads.experiment('e0002')} {reads.experiments()} {reads.winners()}"
    assert "sibling" not in told
    assert "verification" not in told
    assert "skill" not in told
    night.close()
