"""What of requests and answers may be shown: credentials in headers and in JSON members are stars, wherever they come from. Pure."""

import re
from collections.abc import Mapping

STARS = "***"
_SECRET = r"(?:authori[sz]ation|cookie|credential|password|passwd|secret|token|api[_-]?key|x-key|signature)"
_NAME = re.compile(_SECRET, re.IGNORECASE)
_MEMBER = re.compile(rf'("[^"\\]*{_SECRET}[^"\\]*"\s*:\s*)"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.IGNORECASE)
_FIELD = re.compile(rf"((?:^|[?&\s])[\w.-]*{_SECRET}[\w.-]*=)[^&\s\"<]+", re.IGNORECASE)


def masked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with the values of those that carry credentials as stars."""
    return {name: STARS if _NAME.search(name) else value for name, value in headers.items()}


def masked_text(text: str) -> str:
    """A body (JSON, a form, a query) with the values of members that are named like credentials as stars."""
    return _FIELD.sub(rf"\1{STARS}", _MEMBER.sub(rf'\1"{STARS}"', text))
