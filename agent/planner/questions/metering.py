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
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from agent.planner.contract import GIVEN_UP, CallLog
from agent.planner.questions.provider_error import cleaned, provider_error
from memory.records import Call

_OF_THIS_REQUEST = {400, 413, 422}  # the statuses that may be about the length or the form of one request alone
CUT_OFF = "cut off: the answer reached its limit of tokens"
_GO_ON = "combinations, sweeps and moves go on without it; to ask it again, give a higher "
CHARACTERS_A_TOKEN = 3.5  # of code and prose


class UnansweredError(Exception):
    """The model did not answer, or refused to; the last recorded call has the reason."""


class GivenUpError(UnansweredError):
    """The model need not be asked again: a limit is reached, or each request would fail alike."""


class LimitReachedError(GivenUpError):
    """The limit of tokens or dollars forbids another request."""


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
    """The reason why a request was not answered.

    Attributes:
        again: another try may be answered. final: no request ever will.
        charged: the server may have worked on it.
    """

    words: str
    again: bool = True
    final: bool = False
    charged: bool = False
    pause_s: float = 0.0


class Metered(WrapperModel):
    """A model within limits, called `name` in the log, which keeps each of its calls as soon as it has ended."""

    def __init__(self, model: Model, name: str, limits: CallLimits, log: CallLog, planner: str = "llm") -> None:
        super().__init__(model)
        self._name, self._limits, self._log, self._planner = name, limits, log, planner
        self._answered: Call | None = None
        self._asked, self._said = "", ""  # the texts of the newest request that was answered
        self.prompt = ""  # `Call.prompt` of the newest request
        self.cut_off = False  # the newest answer reached the limit of tokens

    def judge(self, outcome: str) -> None:
        """Say what came of the newest answer."""
        if self._answered is not None:
            self._answered = replace(self._answered, outcome=outcome)

    def settle(self) -> None:
        """Record the newest answer, whose outcome is final."""
        if self._answered is not None:
            self._log.add_call(self._answered, self._asked, self._said)
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
                fault = self._fault(error)
                if len(messages) > 1 and getattr(error, "status_code", None) in _OF_THIS_REQUEST:
                    fault = replace(fault, final=False)  # a correction is refused, with all that came before it
                await asyncio.sleep(self._pause(fault, worst, number))
            else:
                self._answered, self.cut_off = self._used(response, worst), response.finish_reason == "length"
                self._asked, self._said, self.prompt = prompt, _said(response), worst.prompt
                return response
        raise AssertionError("the last try raises")

    def _reserve(self, prompt: str) -> Call:
        """Return the call at its upper bound; raise `UnansweredError` if that exceeds what is left."""
        tokens_in, tokens_out = int(len(prompt) / CHARACTERS_A_TOKEN) + 1, self._limits.answer_tokens
        usage = RequestUsage(input_tokens=tokens_in, output_tokens=tokens_out)
        worst = Call(
            planner=self._planner,
            model=self._name,
            prompt=hashlib.sha256(prompt.encode()).hexdigest(),
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            dollars=self._price(ModelResponse(parts=[], usage=usage)),
            seconds=0.0,
            outcome="",
            called_at=time.time(),
        )
        calls, limits = self._log.calls(), self._limits
        tokens, dollars = sum(call.tokens_in + call.tokens_out for call in calls), sum(call.dollars for call in calls)
        excess = ""
        if tokens + tokens_in + tokens_out > limits.tokens:
            spent = f"{tokens:,} of {limits.tokens:,} tokens are used and the next question may take"
            excess = f"the token limit is reached, as {spent} {tokens_in + tokens_out:,}: {_GO_ON}--tokens"
        elif dollars + worst.dollars > limits.dollars:
            spent = f"{dollars:.2f} of {limits.dollars:.2f} dollars are spent and the next question may cost"
            excess = f"the dollar limit is reached, as {spent} {worst.dollars:.2f}: {_GO_ON}--dollars"
        if excess:
            self._log.add_call(_free(worst, f"{GIVEN_UP}{excess}"))
            raise LimitReachedError
        return worst

    def _pause(self, fault: _Fault, worst: Call, number: int) -> float:
        """Record a fault; returns the seconds until the next try, or raises `UnansweredError` if there is none."""
        pause_s = min(max(fault.pause_s, self._limits.backoff_s * 2.0 ** (number - 1)), self._limits.longest_pause_s)
        again = fault.again and number < self._limits.tries
        outcome = f"{fault.words}: retry in {pause_s:g} s" if again else fault.words
        if fault.final:
            outcome = f"{GIVEN_UP}{fault.words} and give the same command again"
        self._log.add_call(_ended(worst, outcome) if fault.charged else _free(worst, outcome))
        if not again:
            raise GivenUpError if fault.final else UnansweredError
        return pause_s

    def _fault(self, error: Exception) -> _Fault:
        """Return the fault: in the provider's own words where no other try would help."""
        match error:
            case TimeoutError() | ModelTimeoutError() | ModelRequestTimeout():
                return _Fault(f"stalled: no answer in {self._limits.patience_s:g} s", charged=True)
            case ModelHTTPError():
                return _rejection(error)
            case ModelConnectionError(phase="pool" | "connect"):
                return _Fault("no connection")
            case ModelConnectionError():
                return _Fault("connection dropped", charged=True)
            case UnexpectedModelBehavior() | ModelAPIError():
                status = getattr(error.__cause__, "status_code", None)  # such as that of a redirection
                return _Fault(f"malformed answer{f' {status}' if status else ''}: not one that a model server gives")
        return _Fault(f"failed: {type(error).__name__}", again=False)

    def _used(self, response: ModelResponse, worst: Call) -> Call:
        """Return the use of an answer by the server's count, or an estimate without one."""
        usage = response.usage
        if not usage.input_tokens and response.finish_reason != "content_filter":
            written = sum(len(str(part)) for part in response.parts)
            usage = RequestUsage(input_tokens=worst.tokens_in, output_tokens=int(written / CHARACTERS_A_TOKEN))
        return replace(
            _ended(worst, _shortcoming(response)),
            tokens_in=usage.input_tokens,
            tokens_out=usage.output_tokens,
            dollars=self._price(replace(response, usage=usage)),
        )

    def _price(self, response: ModelResponse) -> float:
        return _price_of(self.wrapped, response) or 0.0


def is_priced(model: Model) -> bool:
    """Return whether the price of a model is known, so that a limit of dollars holds for it."""
    return bool(_price_of(model, ModelResponse(parts=[], usage=RequestUsage(input_tokens=1000, output_tokens=1000))))


def _price_of(model: Model, response: ModelResponse) -> float | None:
    """Return the price of a response in dollars, None where it is not known."""
    known = replace(
        response,
        model_name=response.model_name or model.model_name,
        provider_name=response.provider_name or model.system,
        provider_url=response.provider_url or model.base_url,
    )
    try:
        return float(known.cost().total_price)
    except (LookupError, ValueError):
        return None


def _rejection(error: ModelHTTPError) -> _Fault:
    """Return the fault of a request that was answered with an error."""
    reported = provider_error(error.body, error.status_code)
    if reported.refused:
        return _Fault(f"refused: {reported.words}", again=False)
    if reported.final or isinstance(error, ModelQuotaExceededError):
        return _Fault(f"{reported.words}; {reported.mend}", again=False, final=True)
    # The words of what passes hold the number of the request: they would make each line of the log another one.
    words = str(error.status_code) if error.status_code >= 400 else reported.words
    return _Fault(words, pause_s=error.retry_after or 0.0)


def _shortcoming(response: ModelResponse) -> str:
    """Return what is wrong with a response from which no answer will have been read."""
    called = next((part.tool_name for part in response.parts if isinstance(part, ToolCallPart)), None)
    text = any(isinstance(part, TextPart) and part.content.strip() for part in response.parts)
    if response.finish_reason == "length":
        return f"{CUT_OFF}{'' if text or called else ' within its thought'}"
    if response.finish_reason == "content_filter":
        words = (response.provider_details or {}).get("refusal") or "by the provider's content filter"
        return f"refused: {cleaned(str(words))}"
    if called is not None:
        return f"malformed answer: it calls a tool, {cleaned(called)}"
    return f"malformed answer: it {'has not the form that was asked for' if text else 'holds no text'}"


def _ended(worst: Call, outcome: str) -> Call:
    """Return an ended call whose use is not known, so that its upper bound counts."""
    return replace(worst, outcome=outcome, seconds=max(0.0, time.time() - worst.called_at))


def _free(worst: Call, outcome: str) -> Call:
    """Return an ended call that used nothing."""
    return replace(_ended(worst, outcome), tokens_in=0, tokens_out=0, dollars=0.0)


def _said(response: ModelResponse) -> str:
    """Return the text of an answer, its thoughts included."""
    parts = (getattr(part, "content", None) or getattr(part, "args", None) for part in response.parts)
    return "\n".join(str(part) for part in parts if part)


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
