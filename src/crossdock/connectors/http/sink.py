"""Sends requests to one HTTP system and says, in one of four words, what became of each.

What surely did not reach the other side is Later, what may have reached it without an answer is Unknown, and Unknown is
looked up by the query that the
connection declares. The delivery's id goes along as idempotency key. No secret is logged or stands in a reason.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from crossdock.connectors.http.answer import refusal, retry_after
from crossdock.connectors.http.authorization import Authorization, NotAuthorized, authorization
from crossdock.connectors.http.masking import masked_headers, masked_text
from crossdock.connectors.http.spec import ClientCredentials, HttpSpec
from crossdock.connectors.http.wire import Answer, CutOff, NotSendable, NotSent, Wire, trust
from crossdock.connectors.json.answers import answer_keys
from crossdock.connectors.json.spec import JsonDocument
from crossdock.connectors.settings import Secrets
from crossdock.crosswalk.maps import Expression, Map, MapError, read_json
from crossdock.ports.outbound import (
    Absent,
    Accepted,
    Found,
    Heard,
    Later,
    Outcome,
    Pace,
    Refused,
    Transmission,
    Unknown,
)

KEPT_BYTES = 4096
"""Of an answer's body so much is kept with the attempt."""

REMEMBERED = 10_000
"""How many unknown attempts we remember the time of, for `settle_seconds`."""


class _Answers:
    """The compiled maps over the answers to one kind of document."""

    def __init__(self, name: str, document: JsonDocument, where: str) -> None:
        self.answer = Map(document.answer, f"{where}.answer")
        self.required = answer_keys(name)[1]
        self.refused = Expression(document.refused, f"{where}.refused") if document.refused else None
        self.look_up = document.look_up
        self.question = document.question
        if document.look_up is not None:
            self.found = Expression(document.look_up.found, f"{where}.look_up.found")
            self.found_answer = Map(document.look_up.answer, f"{where}.look_up.answer")


class HttpSink:
    """A `Sink` over HTTP/1.1 with connections kept alive. Raises MapError when an answer map cannot be compiled, and
    what `secrets` raises."""

    def __init__(
        self,
        system: str,
        spec: HttpSpec,
        documents: Mapping[str, JsonDocument],
        secrets: Secrets,
        pace: Pace | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        pace = pace or Pace()
        self._system = system
        self._spec = spec
        self._answers = {name: _Answers(name, document, f"documents.{name}") for name, document in documents.items()}
        self._now, self._monotonic = now, monotonic
        context = trust(str(spec.ca_file) if spec.ca_file else None) if _needs_tls(spec) else None
        self._wire = Wire(
            spec.base_url,
            context,
            connections=pace.concurrency,
            timeout_seconds=pace.timeout_seconds,
            connect_seconds=min(spec.connect_seconds, pace.timeout_seconds),
            keepalive_seconds=spec.keepalive_seconds,
            answer_bytes=spec.answer_bytes,
        )
        self._authorization: Authorization = authorization(spec, secrets, context, pace.timeout_seconds, monotonic)
        self._unknown_since: dict[str, float] = {}

    @property
    def system(self) -> str:
        return self._system

    async def send(self, transmission: Transmission) -> Outcome:
        """Send it once (twice only after a 401, which nobody processes)."""
        answers = self._answers.get(str(transmission.request.get("document", "")))
        headers = {
            **transmission.request.get("headers", {}),
            "Content-Type": transmission.content_type or "application/json",
        }
        if self._spec.idempotency_header:
            headers[self._spec.idempotency_header] = transmission.name.encode("ascii", "backslashreplace").decode()
        response = await self._exchange(transmission.request, headers, transmission.data)
        if isinstance(response, Answer):
            judged = await self._judge(response, answers, transmission)
            outcome: Outcome = replace(judged, heard=self._heard(response))
        else:
            outcome = response
        if isinstance(outcome, Unknown):
            if len(self._unknown_since) >= REMEMBERED:
                del self._unknown_since[next(iter(self._unknown_since))]
            self._unknown_since[transmission.name] = self._monotonic()
        return outcome

    async def look_up(self, transmission: Transmission) -> Found:
        """Ask by the declared query. Unknown where none is declared, the question cannot be put, or it is too early for
        it. What is a question itself may always be asked again."""
        answers = self._answers.get(str(transmission.request.get("document", "")))
        if answers is not None and answers.question:
            return Absent()
        query = transmission.request.get("look_up")
        if answers is None or answers.look_up is None or not query:
            return Unknown("the connection declares no look-up for this document", no_look_up=True)
        since = self._unknown_since.get(transmission.name)
        if since is not None and self._monotonic() - since < answers.look_up.settle_seconds:
            return Unknown(
                f"within {answers.look_up.settle_seconds:g} s of the attempt the other side may still be at it"
            )
        response = await self._exchange(query, {}, b"")
        if not isinstance(response, Answer):
            return Unknown(f"look-up: {response.reason}", response.status)
        found = self._found(response, answers)
        if not isinstance(found, Absent):
            found = replace(found, heard=self._heard(response))
        if not isinstance(found, Unknown):
            self._unknown_since.pop(transmission.name, None)
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()
        await self._authorization.close()

    async def _exchange(
        self, request: Mapping[str, Any], headers: Mapping[str, str], body: bytes
    ) -> Answer | Later | Refused | Unknown:
        try:
            credentials = await self._authorization.headers()
            answer = await self._request(request, headers, credentials, body)
            if answer.status == 401 and await self._authorization.renew(credentials):
                answer = await self._request(request, headers, await self._authorization.headers(), body)
        except (NotSent, NotAuthorized) as error:
            return Later(self._clean(str(error)))
        except NotSendable as error:
            return Refused(self._clean(f"the request cannot be sent: {error}"), code="unsendable")
        except CutOff as error:
            return Unknown(self._clean(str(error)))
        return answer

    async def _request(
        self, request: Mapping[str, Any], headers: Mapping[str, str], credentials: Mapping[str, str], body: bytes
    ) -> Answer:
        every = {"Accept": "application/json", **headers, **credentials}
        return await self._wire.exchange(str(request["method"]), str(request["path"]), list(every.items()), body)

    async def _judge(self, response: Answer, answers: _Answers | None, transmission: Transmission) -> Outcome:
        status = str(response.status)
        match self._spec.verdict(response.status):
            case "accepted":
                return self._accepted(response, answers)
            case "already-done":
                found = await self.look_up(transmission) if answers is not None and answers.look_up else None
                if isinstance(found, Accepted):
                    return found
                if found is not None:
                    return Unknown(f"answered {status}, already done, but the look-up does not find it", status)
                return self._accepted(response, answers)
            case "later":
                wait = retry_after(response.headers.get("retry-after"), self._now())
                return Later(self._reason(response), status, wait)
            case "refused":
                _, code = refusal(response.body, response.headers.get("content-type", ""))
                return Refused(self._reason(response), self._clean(code), status)
            case "unknown":
                return Unknown(self._reason(response), status)

    def _accepted(self, response: Answer, answers: _Answers | None) -> Outcome:
        status = str(response.status)
        if answers is None:
            return Accepted({}, status)
        try:
            value = read_json(response.body or b"{}", "answer")
            if answers.refused is not None and answers.refused.holds(value):
                reason, code = refusal(response.body, "")
                return Refused(self._clean(reason or "refused"), self._clean(code), status)
            answer = answers.answer.apply(value)
            if missing := sorted(answers.required - set(answer)):
                raise MapError(answers.answer.where, "", f"the answer gives no {', '.join(missing)}")
        except MapError as error:
            # It was accepted, so it must not be sent again: a look-up may tell what this answer does not.
            reason = self._clean(f"accepted, but the answer cannot be read: {error}")
            return (
                Unknown(reason, status)
                if answers.look_up or answers.question
                else Accepted({"unreadable": reason}, status)
            )
        return Accepted(answer, status)

    def _found(self, response: Answer, answers: _Answers) -> Found:
        status = str(response.status)
        assert answers.look_up is not None
        if response.status == 404 and answers.look_up.absent_404:
            return Absent()
        if not 200 <= response.status < 300:
            return Unknown(f"look-up: {self._reason(response)}", status)
        try:
            value = read_json(response.body, "answer to the look-up")
            if not answers.found.holds(value):
                return Absent()
            answer = answers.found_answer.apply(value)
            if missing := sorted(answers.required - set(answer)):
                raise MapError(answers.found_answer.where, "", f"the answer gives no {', '.join(missing)}")
            return Accepted(answer, status)
        except MapError as error:
            return Unknown(self._clean(f"look-up: {error}"), status)

    def _reason(self, response: Answer) -> str:
        reason, _ = refusal(response.body, response.headers.get("content-type", ""))
        return self._clean(f"HTTP {response.status}" + (f": {reason}" if reason else ""))

    def _heard(self, response: Answer) -> Heard:
        """What of an answer is kept with the attempt."""
        body = response.body[:KEPT_BYTES].decode("utf-8", "replace")
        headers = masked_headers({name: self._clean(value) for name, value in response.headers.items()})
        return Heard(str(response.status), headers, masked_text(self._clean(body)), len(response.body))

    def _clean(self, text: str) -> str:
        # The other side may quote our own headers back at us.
        for secret in self._authorization.secrets:
            text = text.replace(secret, "***")
        # PostgreSQL keeps no NUL in a text.
        return text.replace("\0", "\ufffd")


def _needs_tls(spec: HttpSpec) -> bool:
    urls = [spec.base_url] + ([spec.auth.token_url] if isinstance(spec.auth, ClientCredentials) else [])
    return any(url.startswith("https://") for url in urls)
