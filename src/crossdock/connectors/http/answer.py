"""Reading an HTTP answer: why something was refused, and how long we are asked to wait. Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

LONGEST_REASON = 500

_CODES = ("code", "error_code", "errorCode", "type")
_REASONS = ("detail", "message", "error_description", "error", "title", "reason", "description")


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds until the moment that Retry-After names (RFC 9110, 10.2.3: seconds or an HTTP date), never below 0; None
    when it names none."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def refusal(body: bytes, content_type: str) -> tuple[str, str]:
    """(reason, code) out of the body of a refusal: problem details (RFC 9457) and the shapes that are common otherwise;
    plain text as it is; ("", "") for nothing."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = body.decode("utf-8", "replace").strip() if content_type.startswith("text/plain") else ""
        return text[:LONGEST_REASON], ""
    reason, code = _told(value)
    return reason[:LONGEST_REASON], code[:LONGEST_REASON]


def _told(value: Any) -> tuple[str, str]:
    if isinstance(value, str):
        return value, ""
    if isinstance(value, list):
        told = [_told(each) for each in value[:10]]
        return "; ".join(reason for reason, _ in told if reason), next((code for _, code in told if code), "")
    if not isinstance(value, dict):
        return "", ""
    code = next(
        (
            str(value[name])
            for name in _CODES
            if isinstance(value.get(name), str | int) and value[name] != "about:blank"
        ),
        "",
    )
    inner_reason, inner_code = "", ""
    for name in ("error", "errors"):
        if isinstance(value.get(name), dict | list):
            inner_reason, inner_code = _told(value[name])
            break
    reason = next((value[name] for name in _REASONS if isinstance(value.get(name), str) and value[name]), "")
    return "; ".join(each for each in (reason, inner_reason) if each), code or inner_code
