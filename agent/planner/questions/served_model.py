"""A model of a server that speaks OpenAI's chat completions, and may report an error in the body of a 200."""

from __future__ import annotations

from typing import Any

from openai.types.chat import ChatCompletion
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel


class ServedModel(OpenAIChatModel):
    """See `OpenAIChatModel`. A body without a choice is an error, whatever its status."""

    def _validate_completion(self, response: ChatCompletion) -> Any:  # of a class that the adapter does not export
        body = response.model_extra or {}
        choice = response.choices[0] if response.choices else None
        reported = body.get("error") or (choice is not None and (choice.model_extra or {}).get("error"))
        if reported or choice is None:
            raise ModelHTTPError(200, self.model_name, reported or body or {"message": "it holds no answer"})
        return super()._validate_completion(response)
