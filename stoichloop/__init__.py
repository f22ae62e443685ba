"""The Python interface: see docs/api.md, and `agent.api`, where it is defined."""

from agent.api import Campaign, campaign, data, explore, regimes, train
from agent.errors import StoichloopError

__all__ = ["Campaign", "StoichloopError", "campaign", "data", "explore", "regimes", "train"]
