"""Conversion between seconds and durations like 8h or 1h30m."""

from __future__ import annotations

import re

from stoichloop.errors import UsageError

_LONGEST_S = 3650 * 86400.0
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(option: str, text: str) -> float:
    """Return the seconds of '8h', '90m', '1h30m' or '45s'; raises `UsageError`, which names the option."""
    if re.fullmatch(r"-.*|0+(?:\.0*)?[smhd]?", text):
        raise UsageError(f"{option} {text} must be longer than 0; write it like 8h, 90m or 1h30m")
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        raise UsageError(f"{option} {text} has no unit; write {text}h for hours, {text}m for minutes")
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or not 0 < seconds <= _LONGEST_S:
        raise UsageError(f"{option} '{text}' is not a duration; write it like 8h, 90m or 1h30m")
    return seconds


def format_duration(seconds: float) -> str:
    """Return seconds as readable text: '7 h 05 min', '9 min 30 s', '12 s'."""
    whole = max(0, round(seconds))
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"
