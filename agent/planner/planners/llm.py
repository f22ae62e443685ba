"""A language model proposes, through pydantic-ai: one typed answer for each role, with what is wrong given back to it.

`--model` is a name that pydantic-ai knows, like openai:gpt-5 or anthropic:claude-sonnet-4-5, or NAME@URL for whatever
answers as OpenAI's chat completions do, like qwen3:8b@http://127.0.0.1:11434/v1, and can hold an answer to a JSON
schema, as llama.cpp, Ollama, vLLM and LM Studio can. Keys are read from the environment and go to the provider alone:
OPENAI_API_KEY, ANTHROPIC_API_KEY and so on for a name, STOICHLOOP_API_KEY or OPENAI_API_KEY for an address, where a
server on this machine needs none.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from agent.planner.bandit import ask_by_worth
from agent.planner.contract import ANSWERED, Lesson, Options, Planner, Rung, Situation, first_explained
from agent.planner.planners import combine, moves, sweep
from agent.planner.proposal import Proposal
from agent.planner.questions.answer import fit, read_answer
from agent.planner.questions.lesson import LessonText
from agent.planner.questions.provider_error import cleaned
from agent.planner.questions.question import CORRECTIONS, AnswerT, Asked, next_question
from agent.planner.questions.reading import Reading
from stoichloop.errors import StoichloopError, UsageError
from stoichloop.extras import how_to_install

try:
    import pydantic_ai
    from pydantic_ai import Agent, ModelRetry
    from pydantic_ai.capabilities import Hooks
    from pydantic_ai.exceptions import AgentRunError, UnexpectedModelBehavior, UserError
    from pydantic_ai.models import Model, infer_model
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    from agent.planner.questions.metering import (
        CHARACTERS_A_TOKEN,
        CUT_OFF,
        CallLimits,
        GivenUpError,
        LimitReachedError,
        Metered,
        UnansweredError,
        is_priced,
    )
    from agent.planner.questions.served_model import ServedModel
except ImportError as error:
    raise StoichloopError(f"--planner llm needs pydantic-ai, which is missing; {how_to_install('llm')}") from error

pydantic_ai.BANNER_ENABLED = False  # the terminal shows the campaign

_T = TypeVar("_T")
_ADDRESS = re.compile(r"(?P<name>.+)@(?P<url>https?://\S+)")
_KEYS = ("STOICHLOOP_API_KEY", "OPENAI_API_KEY")
_POLL_S = 0.1
_COMBINED = 6  # of as many proposals in a row, one is a combination where there is something to combine
# Shares of the model's context: a question, with the first answer and the corrections that follow it, must find room.
_QUESTION, _ANSWER = 0.6, 0.36 / (1 + CORRECTIONS)
_RULES, _SHORTEST = 8_000, 3_200  # characters: of the rules and the form beside a question, and of a question
_HOW = "give --model PROVIDER:NAME, like openai:gpt-5, or --model NAME@URL, like qwen3:8b@http://127.0.0.1:11434/v1"


@dataclass
class Llm:
    """Asks `model`, known in the ledger as `address`, one question after the other, so that each knows the last answer.

    A question is at most `characters` long, beside the rules and the form of an answer. Once `given_up`, the model is
    asked no more: a limit is reached, which is `limited`, or each request would fail alike.
    """

    model: Model
    address: str
    fidelity: str
    limits: CallLimits
    characters: int
    name: str = "llm"
    rungs: tuple[Rung, ...] = ("sweep", "code")
    waits: bool = True
    given_up: bool = field(default=False, init=False)
    limited: bool = field(default=False, init=False)

    @property
    def expense(self) -> str:
        """See `PayingPlanner`."""
        end = f"the campaign's requests to {self.address} end at {self.limits.tokens:,} tokens (--tokens)"
        if is_priced(self.model):
            return f"{end} or {self.limits.dollars:g} dollars (--dollars)"
        return f"{end}; their price is not known here, so --dollars does not end them"

    def propose(self, situation: Situation) -> list[Proposal]:
        """See `Planner`. If the server fails, or a limit is reached, the answers until then count."""
        if self.given_up:
            return []
        return asyncio.run(_interruptible(self._propose(situation), situation.host.check))

    async def _propose(self, situation: Situation) -> list[Proposal]:
        metered = self._metered(situation, self.limits)
        reading = Reading(situation, self.fidelity, self.characters)
        proposals: list[Proposal] = []
        async with self.model:
            asked = 0
            while asked < len(situation.roles):
                question = next_question(situation, proposals, asked)
                answered = await self._ask(metered, question, question.text(reading))
                found = [p.model_copy(update={"prompt": metered.prompt}) for p in question.proposals]
                proposals += found
                asked += max(1, len(found))
                if not answered:
                    break
        return proposals

    def explain(self, situation: Situation, lesson: Lesson) -> Lesson:
        """See `Explainer`. The model is tried once: words are good to have, but nothing waits for them."""
        telling = LessonText(situation, lesson, self.fidelity)
        if self.given_up or not telling.worth_asking:
            return lesson
        text = Reading(situation, self.fidelity, self.characters).lesson(lesson)
        asyncio.run(_interruptible(self._explain(telling, text), situation.host.check))
        return telling.lesson

    async def _explain(self, telling: LessonText, text: str) -> None:
        metered = self._metered(telling.situation, replace(self.limits, tries=1))
        async with self.model:
            await self._ask(metered, telling, text)

    async def _ask(self, metered: Metered, question: Asked[AnswerT], text: str) -> bool:
        """Ask; the question keeps the answer. False if the model is silent."""
        try:
            await _agent(metered, question).run(text)
        except UnansweredError as error:
            self.given_up, self.limited = isinstance(error, GivenUpError), isinstance(error, LimitReachedError)
            return False
        except AgentRunError:
            pass  # no answer would do: the question knows whether one may be returned all the same
        finally:
            metered.settle()
        return True

    def _metered(self, situation: Situation, limits: CallLimits) -> Metered:
        return Metered(self.model, self.address, limits, situation.call_log, self.name)


@dataclass
class Llms:
    """Asks each of several models as often as its proposals have earned, and the next where one fails.

    Now and then `combiner` makes one of the proposals. When a limit is reached, it and `others` propose in the models'
    place until the budget ends.
    """

    planners: Sequence[Llm]
    combiner: Planner
    others: Sequence[Planner]
    seed: int
    name: str = "llm"
    rungs: tuple[Rung, ...] = ("sweep", "code")
    waits: bool = True  # for answers from elsewhere

    @property
    def expense(self) -> str:
        """See `PayingPlanner`."""
        return "; ".join(llm.expense for llm in self.planners)

    def propose(self, situation: Situation) -> list[Proposal]:
        """See `Planner`."""
        proposals = self._combination(situation)
        if left := situation.roles[len(proposals) :]:
            proposals += ask_by_worth(self.planners, replace(situation, roles=left), self.seed)
        left = situation.roles[len(proposals) :]
        if left and all(llm.given_up for llm in self.planners) and any(llm.limited for llm in self.planners):
            proposals += ask_by_worth((self.combiner, *self.others), replace(situation, roles=left), self.seed)
        return proposals

    def _combination(self, situation: Situation) -> list[Proposal]:
        """Return a combination for the first role unless the newest proposals hold one; for any rung, its own first."""
        recent = any(e.planner == self.combiner.name for e in situation.past[1 - _COMBINED :])
        if recent or all(llm.given_up for llm in self.planners):
            return []
        for rung in sorted(situation.rungs, key=lambda rung: rung != situation.rung):
            given = replace(situation, rung=rung, roles=situation.roles[:1])
            if found := self.combiner.propose(given):
                return [proposal.model_copy(update={"planner": self.combiner.name}) for proposal in found]
        return []

    def explain(self, situation: Situation, lesson: Lesson) -> Lesson:
        """See `Explainer`."""
        return first_explained(self.planners, situation, lesson)


def create(options: Options) -> Llms:
    """See `agent.planner.registry.create_planner`."""
    if not options.models:
        raise UsageError(f"--planner llm needs a model: {_HOW}")
    several = len(options.models) > 1
    names = [f"llm {address}" if several else "llm" for address in options.models]
    planners = [planner_of(options, address, name) for address, name in zip(options.models, names, strict=True)]
    others = (sweep.create(options), moves.create(options))
    return Llms(planners, combine.create(options), others, options.seed)


def planner_of(options: Options, address: str, name: str = "llm") -> Llm:
    """Return the planner that asks one model, whose experiments carry `name`; raise `StoichloopError`."""
    limits = CallLimits(options.tokens, options.dollars, answer_tokens=int(options.context * _ANSWER))
    if options.patience_s is not None:
        limits = replace(limits, patience_s=options.patience_s)
    characters = max(_SHORTEST, int(options.context * _QUESTION * CHARACTERS_A_TOKEN) - _RULES)
    return Llm(_find(address), address, options.fidelity, limits, characters, name)


def _agent(model: Metered, question: Asked[AnswerT]) -> Agent[object, AnswerT]:
    """Return the agent that asks, and asks again with the faults of the answer."""

    def read(*_: object, output: str | dict[str, Any], **__: object) -> dict[str, Any]:
        try:
            form = question.answers
            answer = fit([output], form) if isinstance(output, dict) else read_answer(output, form)
        except ValueError as error:
            begins = f"; it begins: {cleaned(output, 60)}" if isinstance(output, str) and "{" not in output else ""
            if model.cut_off:  # asked again, it would be cut off again
                model.judge(f"{CUT_OFF}: {error}")
                raise UnexpectedModelBehavior(CUT_OFF) from error
            model.judge(f"malformed answer: {error}{begins}")
            raise ModelRetry(str(error)) from error
        return answer.model_dump()

    agent: Agent[object, AnswerT] = Agent(
        model,
        output_type=question.answers,
        instructions=question.rules(),
        retries=CORRECTIONS,
        capabilities=[Hooks(before_output_validate=read)],
    )

    @agent.output_validator
    def judge(answer: AnswerT) -> AnswerT:
        words = question.objection(answer)
        model.judge(question.outcome if words is None else f"{ANSWERED}, but {words}")
        if words is not None:
            raise ModelRetry(words)
        return answer

    return agent


async def _interruptible(work: Coroutine[Any, Any, _T], check: Callable[[], None]) -> _T:
    """Wait for `work`, calling `check` again and again."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            check()
            await asyncio.wait([task], timeout=_POLL_S)
        return await task
    finally:
        task.cancel()


def _find(address: str) -> Model:
    """Return the model of `--model`; raise `StoichloopError`."""
    match = _ADDRESS.fullmatch(address)
    try:
        return _served(match["name"], match["url"]) if match else infer_model(address)
    except (UserError, ImportError, ValueError) as error:
        reason = " ".join(str(error).split()).partition(". ")[0]
        if missing := re.search(r"`(\w+_API_KEY)`", reason):  # and not how to give it in Python
            raise StoichloopError(
                f"--model {address} needs a key; set the environment variable {missing[1]}"
            ) from error
        raise UsageError(f"--model {address} cannot be used: {reason}; {_HOW}") from error


def _served(name: str, url: str) -> Model:
    """Return the model `name` of the server at `url`, which must hold answers to a JSON schema."""
    place = urlsplit(url)
    if place.username is not None:
        raise UsageError(f"--model: an address is kept, so it must not hold a key; set {_KEYS[0]} instead")
    key = next((os.environ[key] for key in _KEYS if os.environ.get(key)), None)
    if key is None and not _is_here(place.hostname or ""):
        raise ValueError(f"a server on another machine needs a key: set {_KEYS[0]}")
    provider = OpenAICompatibleProvider(
        "openai-compatible",
        base_url=url,
        api_key=key,
        profile=OpenAIModelProfile(
            default_structured_output_mode="native",
            native_output_requires_schema_in_instructions=True,
            openai_chat_supports_max_completion_tokens=False,
            # The adapter loses a tag that is never closed: `read_answer` has to see them all.
            thinking_tags=("<stated_thought>", "</stated_thought>"),
        ),
    )
    return ServedModel(name, provider=provider)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
