"""The command `stoichloop mcp`."""

from __future__ import annotations

from stoichloop.errors import StoichloopError
from stoichloop.extras import how_to_install


def mcp() -> None:
    """Serve campaigns to coding assistants over MCP."""
    from agent.executor.workspace import current_workspace

    workspace = current_workspace()
    try:
        from agent.assistant.mcp_server import create_server
    except ImportError as error:
        raise StoichloopError(f"the package mcp is missing; {how_to_install('mcp')}") from error
    create_server(workspace).run("stdio")
