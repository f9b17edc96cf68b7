"""What every request to /v1 passes: its trace, who asks, and for a write the promise that it is done once however often it is sent.

A write's key is claimed in the database before the route runs, so that of any number of the same at once, on any number of servers, one does the
work. Its answer and its line in the audit log are kept together and are there before the caller has the answer. What is refused leaves its key free.
"""

import hashlib
import zlib
from email.utils import format_datetime
from typing import Any, TypeAlias

import msgspec
import structlog
from litestar.types import ASGIApp

from crossdock.api.hub import Hub
from crossdock.api.permission import permission_of
from crossdock.api.principal import Principal
from crossdock.api.problem import Problem, problem
from crossdock.api.throttle import STRANGERS
from crossdock.api.trace import trace_id, traceparent_of
from crossdock.crosswalk.plain import may_hold_nul, nul_in
from crossdock.store.access import Answered, Write

BODY_BYTES = 1_000_000
"""The most that a body may have, unpacked, unless the route's opt `body_bytes` says otherwise."""

PASSED_OVER_BYTES = 8_000_000
"""So much of a body that is too large is read and dropped before the answer; of one still larger the connection ends."""

WRITES = frozenset(("POST", "PUT", "PATCH", "DELETE"))
RETRY_AFTER_SECONDS = 1
NOT_KEPT = frozenset(("traceparent", "date", "server", "ratelimit", "ratelimit-policy", "content-length"))
"""Headers of an answer that are of the moment, and so are not given again with it."""

Scope: TypeAlias = Any
Receive: TypeAlias = Any
Send: TypeAlias = Any
Message: TypeAlias = Any
"""As ASGI 3.0 has them; Litestar's are unions of every kind of connection."""

_log = structlog.get_logger(__name__)


class Gate:
    """ASGI middleware on the /v1 router. A POST that changes nothing has the opt `reads=True` and needs no key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        hub: Hub = scope["litestar_app"].state["hub"]
        headers = dict(scope["headers"])
        traceparent = traceparent_of(_text(headers.get(b"traceparent")))
        passing: dict[str, Any] = {"traceparent": traceparent}
        scope["state"]["crossdock"] = passing
        told = [(b"traceparent", traceparent.encode())]

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *told]
            await send(message)

        if "\0" in scope["path"]:
            raise problem("not-found", "there is no such thing")
        if b"%00" in scope["query_string"]:
            raise problem(
                "invalid", "NUL is in no text that is kept", errors=[{"parameter": "*", "detail": "holds NUL"}]
            )
        now = hub.clock()
        try:
            principal = await hub.authentication.principal(_text(headers.get(b"authorization")))
        except Problem:
            hub.throttle.take(_address(scope), STRANGERS, now)
            if scope["method"] in WRITES:
                await _pass_over(receive)
            raise
        scope["user"] = principal
        told += (
            hub.throttle.take(principal.id, hub.terms, now)
            if principal is not None
            else hub.throttle.take(_address(scope), STRANGERS, now)
        )
        told += _ageing(scope["route_handler"].opt)
        handler = scope["route_handler"]
        if scope["method"] not in WRITES:
            await self._app(scope, receive, answer)
            return
        permission = permission_of(handler)
        if permission is not None and (principal is None or not principal.may(permission)):
            await _pass_over(receive)
            await self._app(scope, _again(b""), answer)  # the guard answers
            return
        body = await _body(receive, headers, int(handler.opt.get("body_bytes", BODY_BYTES)))
        _refuse_nul_in(body)
        if handler.opt.get("reads") or principal is None:
            await self._app(scope, _again(body), answer)
            return
        await self._once(hub, scope, headers, body, principal, answer)

    async def _once(
        self, hub: Hub, scope: Scope, headers: dict[bytes, bytes], body: bytes, principal: Principal, send: Send
    ) -> None:
        """Does the write, or gives the answer that it was given before."""
        passing = scope["state"]["crossdock"]
        write = Write(
            client=principal.id,
            key=_key(headers),
            digest=_digest(scope, body),
            what=f"{scope['method']} {scope['path']}",
            name=principal.name,
            role=principal.role.value,
            trace=trace_id(passing["traceparent"]),
        )
        taken = await hub.access.claim(write, hub.clock())
        if taken is not None:
            await _give_again(taken, write, send)
            return
        passing["write"] = write
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        try:
            await self._app(scope, _again(body), keep)
            start = kept[0]
            status = int(start["status"])
            if status < 400:
                content = b"".join(message.get("body", b"") for message in kept[1:])
                told = [
                    (name.decode(), value.decode("latin-1"))
                    for name, value in start["headers"]
                    if name.decode().lower() not in NOT_KEPT
                ]
                await hub.access.finish(
                    write, Answered(status, told, content if write.kept is None else write.kept), hub.clock()
                )
            else:
                await hub.access.release(write)
        except BaseException:
            # Whether it took effect is not known (the database may be gone): its claim lapses, and whoever repeats it takes it up.
            _log.warning("write.unfinished", what=write.what, trace=write.trace)
            raise
        for message in kept:
            await send(message)


async def _give_again(taken: dict[str, Any], write: Write, send: Send) -> None:
    if taken["digest"] != write.digest:
        raise problem("idempotency-key-reused", f"the key {write.key!r} stands for another request than this")
    if taken["status"] is None:
        raise problem(
            "in-flight", "the same request is being worked on", headers={"Retry-After": str(RETRY_AFTER_SECONDS)}
        )
    body = bytes(taken["body"] or b"")
    told = msgspec.json.decode(taken["headers"], type=list[tuple[str, str]])
    headers = [(name.encode(), value.encode("latin-1")) for name, value in told]
    headers += [(b"content-length", str(len(body)).encode()), (b"idempotent-replayed", b"true")]
    await send({"type": "http.response.start", "status": taken["status"], "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _refuse_nul_in(body: bytes) -> None:
    """Raises Problem invalid where a text in a JSON body (or a line of one) holds a NUL, with its place."""
    if not may_hold_nul(body):
        return
    try:
        place = nul_in(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        place = next((at for at in map(_nul_in_line, body.splitlines()) if at), None)
    if place is not None:
        detail = "holds a NUL, which no text may"
        raise problem("invalid", f"{place}: {detail}", errors=[{"pointer": place, "detail": detail}])


def _nul_in_line(line: bytes) -> str | None:
    try:
        return nul_in(msgspec.json.decode(line))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _key(headers: dict[bytes, bytes]) -> str:
    given = _text(headers.get(b"idempotency-key")) or ""
    # The draft has it a structured string, in quotes; most callers send it bare.
    key = given[1:-1] if len(given) > 1 and given[0] == given[-1] == '"' else given
    if not 1 <= len(key) <= 255 or not all(32 < ord(letter) < 127 for letter in key):
        raise problem(
            "idempotency-key-missing", "this write needs an `Idempotency-Key` of 1 to 255 visible ASCII characters"
        )
    return key


def _digest(scope: Scope, body: bytes) -> bytes:
    told = hashlib.sha256(f"{scope['method']} {scope['path']}?".encode() + scope["query_string"] + b"\n")
    told.update(body)
    return told.digest()


async def _body(receive: Receive, headers: dict[bytes, bytes], limit: int) -> bytes:
    """The whole body, unpacked. Raises Problem too-large, unsupported-media-type or malformed."""
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > limit:
        await _pass_over(receive)
        raise problem("too-large", f"at most {limit} bytes are taken", limit=limit)
    encoding = (_text(headers.get(b"content-encoding")) or "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise problem("unsupported-media-type", f"the Content-Encoding {encoding!r} is not read; gzip is")
    unpack = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise problem("malformed", "the body ended before its end")
        chunk, more = message.get("body", b""), message.get("more_body", False)
        if unpack is not None and chunk:
            try:
                chunk = unpack.decompress(chunk, limit + 1 - len(body))
            except zlib.error:
                raise problem("malformed", "the body is no gzip") from None
        body += chunk
        if len(body) > limit or (unpack is not None and unpack.unconsumed_tail):
            if more:
                await _pass_over(receive)
            raise problem("too-large", f"at most {limit} bytes are taken, unpacked", limit=limit)
    if unpack is not None and body and not unpack.eof:
        raise problem("malformed", "the gzip body ended before its end")
    return bytes(body)


async def _pass_over(receive: Receive) -> None:
    """Takes a body that is too large off the wire, up to a bound: a client that is still sending when the connection closes never sees the answer."""
    left = PASSED_OVER_BYTES
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _again(body: bytes) -> Receive:
    given = False

    async def receive() -> Any:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _address(scope: Scope) -> str:
    return f"address:{(scope.get('client') or ('',))[0]}"


def _ageing(opt: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    """`Deprecation` (RFC 9745) and `Sunset` (RFC 8594) of a route that goes: its opts `deprecation` and `sunset`, moments in UTC."""
    told = []
    if "deprecation" in opt:
        told.append((b"deprecation", f"@{int(opt['deprecation'].timestamp())}".encode()))
    if "sunset" in opt:
        told.append((b"sunset", format_datetime(opt["sunset"], usegmt=True).encode()))
    return told


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
