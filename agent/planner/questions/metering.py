"""A model whose every request is counted before it is sent, tried again where that may help, and written down."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelConnectionError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelRequestTimeout,
    ModelTimeoutError,
    UnexpectedModelBehavior,
)
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from agent.planner.contract import CallLog
from memory.records import NOT_ASKED, Call

CHARACTERS_A_TOKEN = 2  # fewer than code and prose have: the estimate errs on the safe side


class UnansweredError(Exception):
    """The model was not asked, or did not answer; the last recorded call has the reason."""


@dataclass(frozen=True)
class CallLimits:
    """Limits on the use of a model.

    Attributes:
        tokens, dollars: of all calls of the campaign. Where no price is known, only the tokens count.
        answer_tokens: of one answer.
        tries: requests until one is answered, each within `patience_s`; the pause between them begins at `backoff_s`
            and doubles, or is what the server asks for, up to `longest_pause_s`.
    """

    tokens: int
    dollars: float
    answer_tokens: int
    tries: int = 4
    patience_s: float = 300.0
    backoff_s: float = 0.5
    longest_pause_s: float = 60.0


@dataclass(frozen=True)
class _Fault:
    """Why a request was not answered; `again` if another may be, `charged` if the server may have worked on it."""

    words: str
    again: bool = True
    charged: bool = False
    pause_s: float = 0.0


class Metered(WrapperModel):
    """A model within limits, called `name` in the log, which keeps each of its calls as soon as it has ended."""

    def __init__(self, model: Model, name: str, limits: CallLimits, log: CallLog) -> None:
        super().__init__(model)
        self._name, self._limits, self._log = name, limits, log
        self._answered: Call | None = None

    def judge(self, outcome: str) -> None:
        """Say what came of the newest answer."""
        if self._answered is not None:
            self._answered = replace(self._answered, outcome=outcome)

    def settle(self) -> None:
        """Record the newest answer, whose outcome is final."""
        if self._answered is not None:
            self._log.add_call(self._answered)
            self._answered = None

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """See `Model`; raises `UnansweredError` when a limit forbids it, or when no try has been answered."""
        self.settle()
        prompt = _written_out(messages, model_request_parameters)
        settings: ModelSettings = {
            **(model_settings or {}),
            "max_tokens": self._limits.answer_tokens,
            "timeout": self._limits.patience_s,
            "max_retries": 0,  # each try is one request, counted and recorded here
        }
        for number in range(1, self._limits.tries + 1):
            worst = self._reserve(prompt)
            try:
                async with asyncio.timeout(self._limits.patience_s):
                    response = await self.wrapped.request(messages, settings, model_request_parameters)
            except (asyncio.CancelledError, KeyboardInterrupt):  # a signal may fall into the wait or into the work
                self._log.add_call(_ended(worst, "interrupted"))
                raise
            except Exception as error:  # the adapters of providers raise what they like
                await asyncio.sleep(self._pause(self._fault(error), worst, number))
            else:
                self._answered = self._used(response, worst)
                return response
        raise AssertionError("the last try raises")

    def _reserve(self, prompt: str) -> Call:
        """Return the call at its upper bound; raise `UnansweredError` if that exceeds what is left."""
        tokens_in, tokens_out = len(prompt) // CHARACTERS_A_TOKEN + 1, self._limits.answer_tokens
        usage = RequestUsage(input_tokens=tokens_in, output_tokens=tokens_out)
        worst = Call(
            planner="llm",
            model=self._name,
            prompt=hashlib.sha256(prompt.encode()).hexdigest(),
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            dollars=self._price(ModelResponse(parts=[], usage=usage)),
            seconds=0.0,
            outcome="",
            called_at=time.time(),
        )
        spent = self._log.calls()
        limit = None
        if sum(call.tokens_in + call.tokens_out for call in spent) + tokens_in + tokens_out > self._limits.tokens:
            limit = "token"
        elif sum(call.dollars for call in spent) + worst.dollars > self._limits.dollars:
            limit = "dollar"
        if limit is not None:
            self._log.add_call(_free(worst, f"{NOT_ASKED}: the {limit} limit would be exceeded"))
            raise UnansweredError
        return worst

    def _pause(self, fault: _Fault, worst: Call, number: int) -> float:
        """Record a fault; returns the seconds until the next try, or raises `UnansweredError` if there is none."""
        pause_s = min(max(fault.pause_s, self._limits.backoff_s * 2.0 ** (number - 1)), self._limits.longest_pause_s)
        again = fault.again and number < self._limits.tries
        outcome = f"{fault.words}: retry in {pause_s:g} s" if again else fault.words
        self._log.add_call(_ended(worst, outcome) if fault.charged else _free(worst, outcome))
        if not again:
            raise UnansweredError
        return pause_s

    def _fault(self, error: Exception) -> _Fault:
        """Return the fault, without the server's own message, which may repeat the key or the prompt."""
        match error:
            case TimeoutError() | ModelTimeoutError() | ModelRequestTimeout():
                return _Fault(f"stalled: no answer in {self._limits.patience_s:g} s", charged=True)
            case ModelHTTPError(status_code=status):
                passing = status in (408, 409, 429) or status >= 500
                again = passing and not isinstance(error, ModelQuotaExceededError)
                return _Fault(f"{status}", again=again, pause_s=error.retry_after or 0.0)
            case ModelConnectionError(phase="pool" | "connect"):
                return _Fault("no connection")
            case ModelConnectionError():
                return _Fault("connection dropped", charged=True)
            case UnexpectedModelBehavior() | ModelAPIError():
                return _Fault("malformed answer: not one that a model server gives", charged=True)
        return _Fault(f"failed: {type(error).__name__}", again=False, charged=True)

    def _used(self, response: ModelResponse, worst: Call) -> Call:
        """Return the use of an answer by the server's count, or an estimate without one."""
        usage = response.usage
        if not usage.input_tokens:
            written = sum(len(str(part)) for part in response.parts)
            usage = RequestUsage(input_tokens=worst.tokens_in, output_tokens=written // CHARACTERS_A_TOKEN)
        return replace(
            _ended(worst, "malformed answer: it has not the form that was asked for"),
            tokens_in=usage.input_tokens,
            tokens_out=usage.output_tokens,
            dollars=self._price(replace(response, usage=usage)),
        )

    def _price(self, response: ModelResponse) -> float:
        """In dollars; 0 where the price is not known."""
        known = replace(
            response,
            model_name=response.model_name or self.wrapped.model_name,
            provider_name=response.provider_name or self.wrapped.system,
            provider_url=response.provider_url or self.wrapped.base_url,
        )
        try:
            return float(known.cost().total_price)
        except (LookupError, ValueError):
            return 0.0


def _ended(worst: Call, outcome: str) -> Call:
    """Return an ended call whose use is not known, so that its upper bound counts."""
    return replace(worst, outcome=outcome, seconds=max(0.0, time.time() - worst.called_at))


def _free(worst: Call, outcome: str) -> Call:
    """Return an ended call that used nothing."""
    return replace(_ended(worst, outcome), tokens_in=0, tokens_out=0, dollars=0.0)


def _written_out(messages: Sequence[ModelMessage], parameters: ModelRequestParameters) -> str:
    """Return the text of a request, close enough to count and to recognise it; each provider encodes it differently."""
    said = [
        str(getattr(part, "content", None) or getattr(part, "args", ""))
        for message in messages
        for part in message.parts
    ]
    instructions = [part.content for part in parameters.instruction_parts or ()]
    forms = [str(tool.parameters_json_schema) for tool in parameters.output_tools]
    return "\n".join([*instructions, *forms, str(parameters.output_object or ""), *said])
