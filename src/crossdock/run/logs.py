"""The log: one structured line an event on standard error, JSON for machines, key and value for people at a terminal (`CROSSDOCK_LOG=json|text` overrides).

Lines say which message, key, delivery or trace they are about and never what it says: the words of errors that may quote a partner's data, document texts and secrets are left
out here, in one place, whoever logs. The words themselves are kept where the data is: with a held message, a delivery's attempts, a process that is set aside.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import PurePath
from typing import Any, TextIO

import structlog

from crossdock.facts import Fact
from crossdock.ports.log import Attempt, Folded, Marked, Settled, Stored
from crossdock.ports.tracing import trace_of
from crossdock.ports.translation import Message
from crossdock.run.witness import Took, Witness

FORM = "CROSSDOCK_LOG"

LINES = 20
"""Troubles of one kind that are logged singly in one batch; the rest are counted."""

Event = MutableMapping[str, Any]

_SECRET = re.compile(r"passw|secret|token|authorization|api_?key|cookie|credential|signature$", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+\S+|\bcdk_\S+|\bwhsec_\S+", re.IGNORECASE)

_PLAIN_SPOKEN = re.compile(
    r"(Connection\w*|Cannot\w*|\w*Shutdown\w*|\w*Timeout\w*|OSError|gaierror|SSL\w*|NotSent|InterfaceError|InternalClientError|TooManyConnections\w*"
    r"|Deadlock\w*|Serialization\w*|LockNotAvailable\w*|Undefined\w*|\w*ViolationError|DiskFull\w*|OutOfMemory\w*|PermissionError|FileNotFoundError"
    r"|NoSpace\w*|InsufficientPrivilege\w*|Invalid(Password|CatalogName|Authorization)\w*|ReadOnly\w*|SettingsError|RuntimeError): "
)
"""Errors whose words are about connections, servers and tables, and quote nobody's data in their first line."""

_log = structlog.get_logger(__name__)


def set_up_log(environ: Mapping[str, str], service: str, stream: TextIO | None = None, seed: str | None = None) -> None:
    """Structured lines on `stream` (standard error), of every library too. service: stands in every line. seed: of the traces that keys belong to, None where there are none."""
    stream = stream or sys.stderr
    form = environ.get(FORM, "")
    for_people = form == "text" or (form != "json" and stream.isatty())
    first: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _of_service(service),
        *([correlated(seed)] if seed is not None else []),
        frames,
        discreet,
    ]
    last: Any = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if for_people
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*first, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    foreign = [structlog.stdlib.add_logger_name, first_line, *first]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last], foreign_pre_chain=foreign
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _of_service(service: str) -> Callable[[Any, str, Event], Event]:
    def add(_: Any, __: str, event: Event) -> Event:
        event.setdefault("service", service)
        return event

    return add


def correlated(seed: str) -> Callable[[Any, str, Event], Event]:
    """Adds the trace of the key that a line is about, where it says none."""

    def add(_: Any, __: str, event: Event) -> Event:
        key = event.get("key")
        if isinstance(key, str) and key and "trace_id" not in event:
            event["trace_id"] = f"{trace_of(key, seed):032x}"
        return event

    return add


def frames(_: Any, __: str, event: Event) -> Event:
    """An exception as its types and the places that it went through. Its words may quote what a partner sent, so they are not written."""
    given = event.pop("exc_info", None)
    if not given:
        return event
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else sys.exc_info()[1]
    told = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        places = [
            f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        told.append(" < ".join([type(error).__name__, *reversed(places)]))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if told:
        event["exception"] = "; caused by ".join(told)
    return event


def first_line(_: Any, __: str, event: Event) -> Event:
    """What a library says, without what it quotes on further lines."""
    event["event"] = str(event.get("event", "")).split("\n", 1)[0]
    return event


def discreet(_: Any, __: str, event: Event) -> Event:
    """Without secrets, and without words that may quote a partner's data."""
    for name, value in event.items():
        if _SECRET.search(name):
            event[name] = "***"
        elif isinstance(value, str):
            event[name] = _BEARER.sub("***", _CREDENTIALS.sub("***@", _plain(value) if name == "error" else value))
    return event


def _plain(error: str) -> str:
    """An error in words that are logged as `Type: words`: the first line of one that speaks of connections and the like, the type of any other."""
    if _PLAIN_SPOKEN.match(error):
        return error.split("\n", 1)[0]
    return error.split(":", 1)[0].split("\n", 1)[0]


class Journal(Witness):
    """Logs what a person may have to look at: held messages, deliveries given up or refused, processes set aside."""

    def interpreted(
        self, messages: Sequence[Message], facts: Sequence[Fact], marks: Sequence[Marked], written: Took, took: Took
    ) -> None:
        held = {mark.message: mark.held.partition(":")[0] for mark in marks if mark.held}
        if held:
            _each(
                "message held",
                [{"message": m.id, "channel": m.channel, "cause": held[m.id]} for m in messages if m.id in held],
            )

    def folded(self, facts: Sequence[Fact], before: Mapping[str, Stored], folded: Sequence[Folded], took: Took) -> None:
        # One that was set aside before is told of no more.
        aside = [each for each in folded if each.defect and each.opened]
        if aside:
            _each("process set aside", [{"key": each.key, "process": each.process} for each in aside])

    def settled(
        self, settled: Sequence[Settled], attempts: Sequence[Attempt], facts: Sequence[Fact], took: Took
    ) -> None:
        for status, event in (("dead", "delivery given up"), ("refused", "delivery refused")):
            found = [each for each in settled if each.status == status]
            if found:
                _each(
                    event,
                    [{"delivery": s.id, "key": s.key, "system": s.system, "attempt": s.attempt} for s in found],
                )


def _each(event: str, found: Sequence[dict[str, Any]]) -> None:
    for about in found[:LINES]:
        _log.warning(event, **about)
    if len(found) > LINES:
        _log.warning(f"{event}: more", count=len(found) - LINES)
