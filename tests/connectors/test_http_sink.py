"""Requests to a real server, and every way in which it can answer or fail to."""

import asyncio
import logging
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from http_server import Reply, Request, Script, ScriptedServer
from msgspec.structs import replace

from crossdock.connectors.http import HttpSink, http_spec
from crossdock.connectors.http.masking import masked_text
from crossdock.connectors.json import json_spec
from crossdock.connectors.json.writer import JsonWriter
from crossdock.connectors.settings import Secret, SettingsError
from crossdock.ports.outbound import Absent, Accepted, Delivery, Later, Pace, Refused, Transmission, Unknown

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOCUMENTS = {
    "sales-order": {
        "path": "/v1/sales-orders",
        "answer": {"number": "number"},
        "look_up": {
            "path": "/v1/sales-orders?reference={reference}",
            "found": "len(items) > 0",
            "answer": {"number": "items[0].number"},
        },
    },
    "credit-check": {"path": "/v1/credit-checks", "answer": {"approved": "decision == 'approved'", "reason": "reason"}},
    "note": {"path": "/v1/notes"},
}


def secrets(reference: Secret) -> str:
    return f"secret-of-{reference.env}"


class Judging(HttpSink):
    """The sink with its verdicts alone; what it heard has tests of its own."""

    async def send(self, transmission: Transmission) -> Any:
        return _unheard(await super().send(transmission))

    async def look_up(self, transmission: Transmission) -> Any:
        return _unheard(await super().look_up(transmission))


def _unheard(outcome: Any) -> Any:
    return outcome if isinstance(outcome, Absent) else replace(outcome, heard=None)


@asynccontextmanager
async def erp(
    script: Script, pace: Pace | None = None, kind: type[HttpSink] = Judging, **settings: Any
) -> AsyncIterator[tuple[ScriptedServer, HttpSink]]:
    async with ScriptedServer(script) as server:
        documents, rest = json_spec({"documents": DOCUMENTS, "base_url": server.url, **settings})
        sink = kind("erp", http_spec(rest, Path()), documents.documents, secrets, pace, now=lambda: NOW)
        try:
            yield server, sink
        finally:
            await sink.close()


def transmission(document: str = "sales-order", reference: str = "SO-1/erp") -> Transmission:
    documents, _ = json_spec({"documents": DOCUMENTS})
    content = b'{"reference":"%s","order":"SO-1"}' % reference.encode()
    delivery = Delivery(id=reference, key="SO-1", system="erp", document=document, content=content)
    composition = JsonWriter("erp", documents.documents).compose([delivery], None, NOW)  # type: ignore[arg-type]
    return composition.transmissions[0]


async def test_an_accepted_request_gives_the_mapped_answer_and_carries_its_key() -> None:
    async with erp(lambda _: Reply(201, {"number": "E-1"})) as (server, sink):
        assert await sink.send(transmission()) == Accepted({"number": "E-1"}, "201")
    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/v1/sales-orders")
    assert request.headers["idempotency-key"] == "SO-1/erp"
    assert request.headers["content-type"] == "application/json"
    assert request.json() == {"reference": "SO-1/erp", "order": "SO-1"}


async def test_connections_are_kept_alive() -> None:
    async with erp(lambda _: Reply(201, {"number": "E-1"})) as (server, sink):
        for _ in range(5):
            await sink.send(transmission())
    assert server.connections == 1


@pytest.mark.parametrize("status", [408, 425, 429, 503, 401])
async def test_a_request_that_was_not_processed_comes_later(status: int) -> None:
    async with erp(lambda _: Reply(status, {"error": "busy"})) as (_, sink):
        outcome = await sink.send(transmission())
    assert outcome == Later(f"HTTP {status}: busy", str(status), None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("soon", None),
    ],
)
async def test_retry_after_is_understood_in_seconds_and_as_a_date(value: str, seconds: float | None) -> None:
    async with erp(lambda _: Reply(429, headers=(("Retry-After", value),))) as (_, sink):
        outcome = await sink.send(transmission())
    assert isinstance(outcome, Later)
    assert outcome.after_seconds == seconds


@pytest.mark.parametrize(
    ("body", "reason", "code"),
    [
        ({"error": "customer is blocked", "code": "CUST_BLOCKED"}, "customer is blocked", "CUST_BLOCKED"),
        ({"type": "https://x/blocked", "title": "Blocked", "detail": "Customer 7"}, "Customer 7", "https://x/blocked"),
        ({"error": {"message": "no", "code": 17}}, "no", "17"),
        ({"errors": [{"message": "a", "code": "A"}, {"message": "b"}]}, "a; b", "A"),
        (b"<html>", "", ""),
    ],
)
async def test_a_refusal_tells_the_other_sides_words(body: Any, reason: str, code: str) -> None:
    async with erp(lambda _: Reply(422, body)) as (_, sink):
        outcome = await sink.send(transmission())
    assert outcome == Refused("HTTP 422" + (f": {reason}" if reason else ""), code, "422")


async def test_a_server_error_leaves_the_outcome_unknown_unless_the_connection_says_it_is_safe() -> None:
    async with erp(lambda _: Reply(500)) as (_, sink):
        assert isinstance(await sink.send(transmission()), Unknown)
    async with erp(lambda _: Reply(500), statuses={"5xx": "later"}) as (_, sink):
        assert isinstance(await sink.send(transmission()), Later)


async def test_a_refused_connection_means_later() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    async with erp(lambda _: Reply(), base_url=url) as (_, sink):
        assert isinstance(await sink.send(transmission()), Later)


async def test_a_cut_connection_and_silence_leave_the_outcome_unknown() -> None:
    async with erp(lambda _: Reply(cut=True)) as (_, sink):
        assert isinstance(await sink.send(transmission()), Unknown)
    async with erp(lambda _: Reply(silent_seconds=2), Pace(timeout_seconds=0.2)) as (_, sink):
        assert await sink.send(transmission()) == Unknown("no answer within 0.2 s")


async def test_an_unknown_outcome_is_looked_up_by_its_reference() -> None:
    committed: list[str] = []

    def commits_and_fails(request: Request) -> Reply:
        if request.method == "GET":
            return Reply(200, {"items": [{"number": number} for number in committed]})
        committed.append("E-7")
        return Reply(500)

    async with erp(commits_and_fails) as (server, sink):
        assert await sink.look_up(transmission()) == Absent()
        assert isinstance(await sink.send(transmission()), Unknown)
        assert await sink.look_up(transmission()) == Accepted({"number": "E-7"}, "200")
    assert server.requests[0].path == "/v1/sales-orders?reference=SO-1%2Ferp"


async def test_a_look_up_that_cannot_be_put_or_read_leaves_the_outcome_unknown() -> None:
    for reply in (Reply(503), Reply(200, b"<html>"), Reply(200, {}), Reply(200, {"items": [{}]}), Reply(cut=True)):
        async with erp(lambda _, reply=reply: reply) as (_, sink):
            assert isinstance(await sink.look_up(transmission()), Unknown)
    async with erp(lambda _: Reply()) as (server, sink):
        unasked = await sink.look_up(transmission("credit-check"))
        assert isinstance(unasked, Unknown)
        assert unasked.no_look_up, "a person's retry may then be sent all the same"
    assert server.requests == []


async def test_a_question_is_asked_again_instead_of_being_looked_up() -> None:
    answer = {"approved": "decision == 'approved' ? true : decision == 'declined' ? false : null"}
    documents = {"credit-check": {"path": "/v1/credit-checks", "answer": answer, "question": True}}
    script = [Reply(200, {}), Reply(200, {"decision": "declined"}), Reply(200, {"decision": "approved"})]
    async with erp(lambda _: script.pop(0), documents=documents) as (server, sink):
        asked = transmission("credit-check")
        undecided = await sink.send(asked)
        assert isinstance(undecided, Unknown), "no decision is not a no"
        assert await sink.look_up(asked) == Absent()
        assert await sink.send(asked) == Accepted({"approved": False}, "200")
        assert await sink.send(asked) == Accepted({"approved": True}, "200")
    assert [request.method for request in server.requests] == ["POST"] * 3


def test_a_question_with_a_look_up_is_a_contradiction() -> None:
    documents = {"sales-order": {**DOCUMENTS["sales-order"], "question": True}}
    with pytest.raises(ValueError, match="asked again"):
        JsonWriter("erp", json_spec({"documents": documents})[0].documents)


async def test_a_look_up_waits_until_the_other_side_cannot_be_at_it_any_more() -> None:
    clock = 100.0
    documents = {"sales-order": {**DOCUMENTS["sales-order"]}}
    documents["sales-order"]["look_up"] = {**DOCUMENTS["sales-order"]["look_up"], "settle_seconds": 30}  # type: ignore[dict-item]
    async with ScriptedServer(
        lambda request: Reply(500) if request.method == "POST" else Reply(200, {"items": []})
    ) as server:
        spec, rest = json_spec({"documents": documents, "base_url": server.url})
        sink = HttpSink("erp", http_spec(rest, Path()), spec.documents, secrets, monotonic=lambda: clock)
        await sink.send(transmission())
        clock += 29
        assert isinstance(await sink.look_up(transmission()), Unknown)
        clock += 2
        assert await sink.look_up(transmission()) == Absent()
        await sink.close()


async def test_what_is_already_done_is_looked_up() -> None:
    def conflict(request: Request) -> Reply:
        return (
            Reply(200, {"items": [{"number": "E-3"}]}) if request.method == "GET" else Reply(409, {"error": "exists"})
        )

    async with erp(conflict, statuses={"409": "already-done"}) as (_, sink):
        assert await sink.send(transmission()) == Accepted({"number": "E-3"}, "200")


async def test_an_acceptance_whose_answer_cannot_be_read_is_never_sent_again() -> None:
    async with erp(lambda _: Reply(201, {"unexpected": True})) as (_, sink):
        assert isinstance(await sink.send(transmission("sales-order")), Unknown)
        credit = await sink.send(transmission("credit-check"))
    assert credit == Accepted({"approved": False}, "201")
    async with erp(lambda _: Reply(200, b"OK")) as (_, sink):
        outcome = await sink.send(transmission("credit-check"))
    assert isinstance(outcome, Accepted)
    assert "not JSON" in outcome.answer["unreadable"]


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"kind": "bearer", "token": {"env": "T"}}, "authorization", "Bearer secret-of-T"),
        ({"kind": "header", "name": "X-Api-Key", "value": {"env": "K"}}, "x-api-key", "secret-of-K"),
    ],
)
async def test_a_fixed_secret_goes_along_and_nowhere_else(
    auth: Any, header: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with erp(lambda request: Reply(400, {"error": f"odd header {request.headers[header]}"}), auth=auth) as (
        server,
        sink,
    ):
        outcome = await sink.send(transmission())
    assert server.requests[0].headers[header] == value
    assert isinstance(outcome, Refused)
    assert "odd header" in outcome.reason
    assert "secret-of" not in outcome.reason
    assert "secret-of" not in caplog.text


def oauth(url: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "oauth2-client-credentials",
        "token_url": url,
        "client_id": "us",
        "client_secret": {"env": "S"},
        **more,
    }


class TokenIssuer:
    """Issues t1, t2, ... and takes only the latest; `revoke` makes the latest invalid."""

    def __init__(self) -> None:
        self.issued = 0
        self.valid = ""
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Reply:
        if request.path == "/token":
            self.requests.append(request)
            self.issued += 1
            self.valid = f"t{self.issued}"
            return Reply(
                200, {"access_token": self.valid, "token_type": "Bearer", "expires_in": 3600}, silent_seconds=0.05
            )
        return (
            Reply(201, {"number": "E-1"}) if request.headers["authorization"] == f"Bearer {self.valid}" else Reply(401)
        )


async def test_an_oauth_token_is_fetched_once_for_all_who_wait_and_anew_once_after_a_401() -> None:
    issuer = TokenIssuer()
    async with (
        ScriptedServer(issuer) as tokens,
        erp(issuer, auth=oauth(tokens.url + "/token", scope="orders")) as (_, sink),
    ):
        outcomes = await asyncio.gather(*(sink.send(transmission()) for _ in range(10)))
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert issuer.issued == 1
        issuer.valid = "revoked"
        assert isinstance(await sink.send(transmission()), Accepted)
        assert issuer.issued == 2
        issuer.valid = "revoked again"
        outcomes = await asyncio.gather(*(sink.send(transmission()) for _ in range(10)))
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert issuer.issued == 3
    assert issuer.requests[0].body == b"grant_type=client_credentials&scope=orders"
    assert issuer.requests[0].headers["authorization"] == "Basic dXM6c2VjcmV0LW9mLVM="


async def test_an_oauth_token_is_renewed_before_it_runs_out() -> None:
    issuer, clock = TokenIssuer(), 0.0
    async with ScriptedServer(issuer) as server:
        spec = http_spec({"base_url": server.url, "auth": oauth(server.url + "/token", placement="body")}, Path())
        sink = HttpSink("erp", spec, {}, secrets, monotonic=lambda: clock)
        for clock in (0.0, 3_500.0, 3_541.0):  # noqa: B007
            assert isinstance(await sink.send(transmission("note")), Accepted)
        await sink.close()
    assert issuer.issued == 2
    assert b"client_secret=secret-of-S" in issuer.requests[0].body


async def test_without_a_token_it_is_later_and_nothing_is_sent() -> None:
    async with (
        ScriptedServer(lambda _: Reply(403, {"error": "secret-of-S"})) as tokens,
        erp(lambda _: Reply(), auth=oauth(tokens.url)) as (server, sink),
    ):
        outcome = await sink.send(transmission())
    assert outcome == Later("the token endpoint answered 403")
    assert server.requests == []


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    async with erp(lambda _: Reply(200, b"x" * 5000), answer_bytes=1000) as (_, sink):
        assert isinstance(await sink.send(transmission()), Unknown)


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again() -> None:
    async with erp(lambda _: Reply(201, {"number": "E-1"}, headers=(("Connection", "close"),))) as (server, sink):
        for _ in range(3):
            assert isinstance(await sink.send(transmission()), Accepted)
    assert server.connections == 3


async def test_no_more_connections_are_open_than_the_pace_allows() -> None:
    slow = Reply(201, {"number": "E-1"}, silent_seconds=0.02)
    async with erp(lambda _: slow, Pace(concurrency=3)) as (server, sink):
        outcomes = await asyncio.gather(*(sink.send(transmission()) for _ in range(30)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert server.connections == 3


async def test_a_header_or_path_that_cannot_be_sent_is_refused_and_not_tried_again() -> None:
    async with erp(lambda _: Reply()) as (server, sink):
        for request in ({"headers": {"X-Note": "a\r\nX-Evil: 1"}}, {"path": "/v1/\u00fc"}):
            sent = Transmission(
                name="n", data=b"{}", deliveries=("n",), request={"method": "POST", "path": "/v1", **request}
            )
            outcome = await sink.send(sent)
            assert isinstance(outcome, Refused)
            assert outcome.code == "unsendable"
    assert server.requests == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
async def test_a_certificate_that_is_not_trusted_means_later_and_one_of_a_declared_authority_is_taken(
    tmp_path: Path,
) -> None:
    command = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out ca.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    making = await asyncio.create_subprocess_exec(
        "openssl", *command.split(), cwd=tmp_path, stderr=asyncio.subprocess.DEVNULL
    )
    assert await making.wait() == 0
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    async with ScriptedServer(lambda _: Reply(201, {"number": "E-1"}), context) as server:
        spec, _ = json_spec({"documents": DOCUMENTS})
        settings = {"base_url": server.url.replace("127.0.0.1", "localhost")}
        for more, expected in (({}, Later), ({"ca_file": "ca.pem"}, Accepted)):
            sink = HttpSink("erp", http_spec({**settings, **more}, tmp_path), spec.documents, secrets)
            assert isinstance(await sink.send(transmission()), expected)
            await sink.close()
    assert len(server.requests) == 1


async def test_redirects_are_not_followed() -> None:
    async with erp(lambda _: Reply(302, headers=(("Location", "/elsewhere"),))) as (server, sink):
        assert isinstance(await sink.send(transmission()), Refused)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"base_url": "ftp://x"}, "no http:// or https://"),
        ({"base_url": "http://u:p@x"}, "no user or password"),
        ({"base_ur": "http://x"}, "did you mean `base_url`"),
        ({"base_url": "http://x", "auth": {"kind": "bearer", "token": "abc"}}, "settings.auth.token"),
        ({"base_url": "http://x", "auth": {"kind": "bearer", "token": {}}}, "env or file"),
        ({"base_url": "http://x", "statuses": {"4x": "later"}}, "three digits"),
        ({"base_url": "http://x", "statuses": {"409": "done"}}, "settings.statuses"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        http_spec(settings, Path())


async def test_what_was_answered_is_kept_with_the_attempt_without_secrets() -> None:
    answer = {"number": "E-1", "access_token": "s3cret", "note": "secret-of-ERP_TOKEN \0"}
    auth = {"kind": "bearer", "token": {"env": "ERP_TOKEN"}}
    reply = Reply(201, answer, headers=(("Set-Cookie", "session=1"), ("X-Trace", "secret-of-ERP_TOKEN")))
    async with erp(lambda _: reply, kind=HttpSink, auth=auth) as (_, sink):
        heard = (await sink.send(transmission())).heard
    assert heard is not None and heard.status == "201"
    assert heard.headers["set-cookie"] == "***" and heard.headers["x-trace"] == "***"
    assert '"number":"E-1"' in heard.body.replace(" ", "") and '"access_token":"***"' in heard.body.replace(" ", "")
    assert "secret-of" not in heard.body and "s3cret" not in heard.body and "\0" not in heard.body


async def test_of_a_long_answer_the_beginning_is_kept() -> None:
    async with erp(lambda _: Reply(503, {"detail": "x" * 10_000}), kind=HttpSink) as (_, sink):
        heard = (await sink.send(transmission())).heard
    assert heard is not None and len(heard.body) == 4096 and heard.length > 10_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"password": "a\\"b", "item": "1"}', '{"password": "***", "item": "1"}'),
        ('{"clientSecret":"cut off in the mi', '{"clientSecret":"***"'),
        ("grant_type=x&client_secret=abc&scope=y", "grant_type=x&client_secret=***&scope=y"),
        ('{"order": "SO-1"}', '{"order": "SO-1"}'),
    ],
)
def test_members_that_are_named_like_credentials_are_stars(text: str, shown: str) -> None:
    assert masked_text(text) == shown
