"""Errors as providers of models report them: in a status, in the body of a 200, or in the output of a program."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from http import HTTPStatus
from textwrap import shorten
from typing import Any

from stoichloop.foreign_text import visible

_LONGEST = 200
_PASSING = {408, 409, 425, 429}  # of those below 500, where another try may succeed
_QUOTA = {
    "insufficient_quota",
    "exceeded_current_quota_error",
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
}
_FINAL = {"invalid_api_key", "authentication_error", "permission_error", "account_deactivated", "model_not_found"}
_REFUSED = {"content_filter", "content_policy_violation", "invalid_prompt", "responsibleaipolicyviolation"}
_CONTEXT = re.compile(
    r"context_length_exceeded|context (?:length|window|size)|(?:prompt|input|context) (?:is )?too long", re.IGNORECASE
)
_SECRETS = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL")
_KEY = re.compile(
    r"(?<=Bearer )\S+|\b(?:sk|pk|rk|gsk|xai|hf|r8|ghp|nvapi)[-_][\w*.-]{6,}|\bAIza[\w-]{6,}", re.IGNORECASE
)


@dataclass(frozen=True)
class ProviderError:
    """An error of a provider.

    Attributes:
        words: the status and the provider's own words, without a key.
        final: the same request would fail for ever. mend: what the user may do about it.
        refused: the provider's rules forbid an answer to this question.
    """

    words: str
    final: bool
    mend: str
    refused: bool


def error_in(content: object) -> ProviderError | None:
    """Return the error that a JSON object reports under `error`, None if it reports none."""
    reported = content.get("error") if isinstance(content, dict) else None
    return provider_error(reported, None) if reported else None


def provider_error(body: object, status: int | None) -> ProviderError:
    """Return the error of a response, by its status and its body, whatever form that has."""
    fields: dict[str, Any] = body if isinstance(body, dict) else {"message": body}
    fields = fields["error"] if isinstance(fields.get("error"), dict) else fields
    codes = {str(fields[key]).casefold() for key in ("code", "type", "status") if fields.get(key)}
    if status is None or status < 400:  # gateways pass the status on as a code
        status = next((int(code) for code in codes if re.fullmatch(r"[45]\d\d", code)), status)
    message = next((fields[key] for key in ("message", "detail", "error") if isinstance(fields.get(key), str)), "")
    refused = bool(codes & _REFUSED)
    too_long = bool(_CONTEXT.search(f"{message} {' '.join(codes)}"))
    rejected = status is not None and 400 <= status < 500 and status not in _PASSING
    return ProviderError(
        words=_words(status, message or ", ".join(sorted(codes))),
        final=not refused and (rejected or too_long or bool(codes & (_QUOTA | _FINAL))),
        mend=_mend(status, codes, too_long=too_long),
        refused=refused,
    )


def cleaned(text: str, length: int = _LONGEST) -> str:
    """Return text of a provider as one short line without a key."""
    for name, value in os.environ.items():
        if len(value) >= 8 and _SECRETS.search(name.upper()):
            text = text.replace(value, "(key)")
    return shorten(_KEY.sub("(key)", visible(text)), length, placeholder=" ...")


def _words(status: int | None, message: str) -> str:
    if message.lstrip().startswith("<"):  # the page of a gateway
        message = ""
    try:
        title = "" if status is None else f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        title = str(status)
    return ": ".join(part for part in (title, cleaned(message)) if part) or "an error without words"


def _mend(status: int | None, codes: set[str], *, too_long: bool) -> str:
    if too_long:
        return "give a smaller --context"
    if codes & _QUOTA or status == 402:
        return "the account needs credit"
    if status in (401, 403) or codes & {"invalid_api_key", "authentication_error", "permission_error"}:
        return "check the API key"
    return "check --model"
