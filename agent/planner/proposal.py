"""A proposal: the output of a planner."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.executor.code.search_space import Values
from memory.records import HYPOTHESIS_CHARACTERS, TITLE_CHARACTERS, ProposalKind, Role


class _ProposalModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Edit(_ProposalModel):
    """In `file`, the text `search`, which stands there exactly once, gives way to `replace`.

    An empty `search` makes a new file.
    """

    file: str = Field(min_length=1, max_length=200, description="path like gnn/model.py")
    search: str = Field(max_length=100_000, description="text as it stands in the file now, exactly once")
    replace: str = Field(max_length=100_000, description="text to stand in its place")


class Proposal(_ProposalModel):
    """A hypothesis with its test: other values in the configuration, a patch of `gnn/`, or both.

    A patch is a unified `diff`, or `edits`, or edits of the code that a diff has made. `planner` names who proposed it,
    where one planner asks others; `prompt` is `Call.prompt` of the request that it answers. `combines` names
    experiments whose changes it makes together; given alone, `composition.compose` fills in the rest. A `diagnosis` is
    run once and never scored.
    """

    title: str = Field(default="", max_length=TITLE_CHARACTERS)
    hypothesis: str = Field(min_length=1, max_length=HYPOTHESIS_CHARACTERS)
    parent: str = Field(max_length=20, description="the experiment that it changes, like e0005")
    changes: Values = {}
    edits: tuple[Edit, ...] = Field(default=(), max_length=100)
    diff: str = Field(default="", max_length=2_000_000)
    role: Role = "exploit"
    planner: str | None = None
    move: str | None = None
    repairs: str | None = None
    combines: tuple[str, ...] = ()
    kind: ProposalKind = "candidate"
    prompt: str = ""

    @property
    def patches(self) -> bool:
        """Return whether it changes code."""
        return bool(self.edits or self.diff)

    @model_validator(mode="after")
    def _changes_something(self) -> Proposal:
        if not self.changes and not self.patches and not self.combines:
            raise ValueError("a proposal must change something: give changes, edits, a diff or combines")
        return self
