"""The operations side by HTTP: what stands, why, and what people do about it."""

import base64
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from crossdock.facts import Fact
from crossdock.flow.fold import fold_once
from crossdock.flow.interpret import interpret_once
from crossdock.ports.inbound import Arrival
from crossdock.store.database import Database
from crossdock.store.inbox import MessageInbox
from crossdock.store.log import FactLog
from crossdock.store.versions import WorkspaceVersions
from crossdock.wiring import AgreementBook, Systems

from .conftest import ENVIRON, Server, bury, ordered, received

Client = Callable[..., httpx.Client]


def got(answer: httpx.Response, status: int = 200) -> Any:
    """The JSON of an answer that is as it should be."""
    assert answer.status_code == status, answer.text
    return answer.json()


def every(client: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    while True:
        page = got(client.get(path, params=params))
        found += page["items"]
        if page["next"] is None:
            return found
        params["cursor"] = page["next"]


def tell(server: Server, key: str, *data: Any) -> None:
    """Facts about a process, told and folded behind the server's back."""
    now = datetime.now(UTC)

    async def work(database: Database) -> None:
        facts = [
            Fact(key=key, data=each, source="test", source_id=f"{key}/{secrets.token_hex(6)}", occurred_at=now)
            for each in data
        ]
        await FactLog(database).record(facts, now)
        await fold(database)

    server.ask(work)


async def fold(database: Database) -> None:
    """Folds all that is ahead."""
    book = AgreementBook(WorkspaceVersions(database))
    await book.refresh()
    while await fold_once(FactLog(database), book, datetime.now(UTC), 32, 500):
        pass


def folded(server: Server) -> None:
    """What the API told is folded as a worker would."""
    server.ask(fold)


def arrive(server: Server, channel: str, data: bytes) -> int:
    """A message that came in and was read; gives its number."""

    async def work(database: Database) -> int:
        now, name = datetime.now(UTC), f"{secrets.token_hex(6)}.edi"
        await MessageInbox(database).keep([Arrival(channel=channel, source_id=name, data=data, name=name)], now)
        await read(database, server)
        async with database.pool.acquire() as connection:
            number: int = await connection.fetchval("SELECT id FROM messages WHERE source_id = $1", name)
            return number

    return server.ask(work)


async def read(database: Database, server: Server) -> None:
    """Reads what waits to be read, and folds it."""
    book = AgreementBook(WorkspaceVersions(database))
    await book.refresh()
    assert book.current is not None
    readers = Systems(book.current, ENVIRON, server.workspace).readers()
    while await interpret_once(MessageInbox(database), readers, datetime.now(UTC)):
        pass
    await fold(database)


@pytest.fixture
def priced(server: Server) -> str:
    """An order of acme's own for this test, whose price is in doubt; gives its key."""
    key = f"SO-P{secrets.token_hex(4)}".upper()
    line = ordered("1", 10)
    odd = type(line)(**{**{n: getattr(line, n) for n in line.__struct_fields__}, "price": line.price * 2})  # type: ignore[operator]
    tell(server, key, received("acme", f"PO-{key}", odd, ordered("2", 4, "10.00")))
    return key


# --- search and lineage ---


def test_any_reference_leads_to_its_process_whole_or_in_part(client: Client) -> None:
    ops = client("operations")
    found = got(ops.get("/v1/search", params={"q": "PO-A1"}))["items"]
    assert (found[0]["key"], found[0]["partner"], found[0]["match"]) == ("SO-A1", "acme", "whole")
    begun = got(ops.get("/v1/search", params={"q": "PO-", "limit": 100}))["items"]
    assert {"SO-A1", "SO-B1"} <= {row["key"] for row in begun}
    assert "SO-A3" in [row["key"] for row in got(ops.get("/v1/search", params={"q": "O-A3"}))["items"]]
    assert got(ops.get("/v1/search", params={"q": "PO-", "limit": 1}))["more"] is True
    assert got(ops.get("/v1/search", params={"q": "nobody%"}))["items"] == []


def test_a_partner_finds_its_own_alone(client: Client) -> None:
    acme = client("partner", "acme")
    found = got(acme.get("/v1/search", params={"q": "PO-", "limit": 100}))["items"]
    assert {row["partner"] for row in found} == {"acme"}
    assert got(acme.get("/v1/search", params={"q": "PO-B1"}))["items"] == []


def test_a_cursor_of_another_list_or_with_other_filters_is_refused(client: Client) -> None:
    ops = client("operations")
    cursor = got(ops.get("/v1/obligations", params={"limit": 1}))["next"]
    for path, more in (("exceptions", {}), ("obligations", {"by": "us"})):
        answer = ops.get(f"/v1/{path}", params={"cursor": cursor, **more})
        assert answer.status_code == 400 and answer.json()["type"].endswith("/bad-cursor")


def test_the_lineage_of_an_order_has_its_facts_obligations_and_deliveries(client: Client) -> None:
    told = got(client("auditor").get("/v1/lineage/SO-A6"))
    assert [fact["type"] for fact in told["facts"]][:2] == ["order.received", "credit.answered"]
    assert told["obligations"] and told["deliveries"]
    assert all(fact["data"] and fact["recorded_at"] for fact in told["facts"])
    assert client("auditor").get("/v1/lineage/SO-NONE").status_code == 404


# --- obligations ---


def test_what_is_owed_is_told_the_earliest_due_first_and_no_page_leaves_a_gap(client: Client) -> None:
    whole = got(client("operations").get("/v1/obligations", params={"limit": 500}))["items"]
    paged = every(client("operations"), "/v1/obligations", limit=7)
    assert [row["id"] for row in paged] == [row["id"] for row in whole]
    due = [row["due_at"] for row in whole if row["due_at"]]
    assert due == sorted(due)
    assert all(row["due_at"] is None for row in whole[len(due) :])


def test_obligations_are_narrowed_by_partner_kind_and_lateness(client: Client) -> None:
    ops = client("operations")
    assert {r["partner"] for r in every(ops, "/v1/obligations", partner="blue")} == {"blue"}
    assert {r["kind"] for r in every(ops, "/v1/obligations", kind="invoice")} == {"invoice"}
    late = every(ops, "/v1/obligations", overdue=True)
    assert late and all(row["late"] for row in late)


def test_why_an_order_is_not_invoiced_is_answered_in_words(client: Client) -> None:
    ops = client("operations")
    [waits] = [r for r in every(ops, "/v1/obligations", key="SO-A6", status="blocked") if r["kind"] == "invoice"]
    told = got(ops.get(f"/v1/obligations/{waits['id']}"))
    assert any(sentence.startswith("It waits for ") for sentence in told["obligation"]["why"])
    dead = got(ops.get("/v1/obligations/SO-A1/credit-check"))
    assert dead["delivery"]["status"] == "dead"
    assert "it was given up and waits for a person" in dead["obligation"]["why"][0]
    assert ops.get("/v1/obligations/SO-A1/nothing").status_code == 404


# --- exceptions ---


def test_exceptions_are_counted_by_cause_with_the_money_at_stake(client: Client) -> None:
    rows = {row["cause"]: row for row in got(client("finance").get("/v1/exceptions/summary"))}
    assert rows["price-mismatch"]["count"] >= 2 and float(rows["price-mismatch"]["amount"]) >= 50
    listed = every(client("finance"), "/v1/exceptions", cause="price-mismatch", snoozed="shown")
    assert len(listed) == rows["price-mismatch"]["count"]


def test_exceptions_are_narrowed_and_paged(client: Client) -> None:
    ops = client("operations")
    whole = got(ops.get("/v1/exceptions", params={"limit": 500}))["items"]
    assert [r["id"] for r in every(ops, "/v1/exceptions", limit=5)] == [r["id"] for r in whole]
    assert {r["partner"] for r in every(ops, "/v1/exceptions", partner="blue")} == {"blue"}
    assert {r["category"] for r in every(ops, "/v1/exceptions", category="business")} == {"business"}
    before = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    assert got(ops.get("/v1/exceptions", params={"opened_before": before}))["items"] == []


def test_an_exception_is_taken_on_spoken_of_and_its_history_says_by_whom(client: Client, priced: str) -> None:
    ops, path = client("operations"), f"/v1/exceptions/{priced}/price-mismatch/1"
    answer = ops.get(path)
    assert answer.json()["choices"] == {"accept": "the customer's price is taken"}
    taken = ops.post(path, json={"action": "assign", "assignee": "ann"}, headers={"If-Match": answer.headers["etag"]})
    assert got(taken)["exception"]["assignee"] == "ann"
    assert got(ops.post(path, json={"action": "comment", "text": "asked the buyer"}))["exception"]["comments"] == 1
    history = got(ops.get(path))
    assert [(each["action"], each["note"]) for each in history["actions"]] == [
        ("assign", ""),
        ("comment", "asked the buyer"),
    ]
    assert all(each["who"].startswith("key:") for each in history["actions"])
    assert [row["key"] for row in every(ops, "/v1/exceptions", assignee="ann", key=priced)] == [priced]
    audited = got(client("admin").get("/v1/audit", params={"subject": f"{priced}/price-mismatch/1"}))["items"]
    assert audited[-1]["before"]["assignee"] == "" and audited[-1]["after"]["assignee"] == "ann"


def test_who_acts_on_what_somebody_else_has_changed_is_told(client: Client, priced: str) -> None:
    ops, path = client("operations"), f"/v1/exceptions/{priced}/price-mismatch/1"
    seen = ops.get(path).headers["etag"]
    assert ops.post(path, json={"action": "assign", "assignee": "ann"}).status_code == 428
    assert ops.post(path, json={"action": "assign", "assignee": "ann"}, headers={"If-Match": seen}).status_code == 200
    late = ops.post(path, json={"action": "assign", "assignee": "bob"}, headers={"If-Match": seen})
    assert late.status_code == 412 and late.json()["type"].endswith("/changed-meanwhile")
    assert got(ops.get(path))["exception"]["assignee"] == "ann"


def test_a_snoozed_exception_is_out_of_sight_and_comes_back_by_itself(
    client: Client, server: Server, priced: str
) -> None:
    ops, id_ = client("operations"), f"{priced}/price-mismatch/1"
    path, until = f"/v1/exceptions/{id_}", datetime.now(UTC) + timedelta(hours=2)
    asked = {"action": "snooze", "until": until.isoformat(), "reason": "the buyer answers after lunch"}
    seen = ops.get(path).headers["etag"]
    assert got(ops.post(path, json=asked, headers={"If-Match": seen}))["exception"]["snoozed_until"]

    def shown(snoozed: str = "hidden") -> bool:
        return id_ in [row["id"] for row in every(ops, "/v1/exceptions", key=priced, snoozed=snoozed)]

    assert (shown(), shown("only"), shown("shown")) == (False, True, True)

    async def later(database: Database) -> list[str]:
        from crossdock.store.operations import Narrowed, Operations

        rows = await Operations(database).exceptions(Narrowed(key=priced), None, None, 50, until + timedelta(seconds=1))
        return [row["id"] for row in rows]

    assert id_ in server.ask(later)
    seen = ops.get(path).headers["etag"]
    got(ops.post(path, json={"action": "wake"}, headers={"If-Match": seen}))
    assert shown()


def test_a_moment_that_is_past_is_no_snooze(client: Client, priced: str) -> None:
    ops, path = client("operations"), f"/v1/exceptions/{priced}/price-mismatch/1"
    asked = {"action": "snooze", "until": "2020-01-01T00:00:00Z", "reason": "x"}
    answer = ops.post(path, json=asked, headers={"If-Match": ops.get(path).headers["etag"]})
    assert answer.status_code == 422 and answer.json()["errors"] == [{"pointer": "#/until", "detail": "is past"}]


def test_resolving_tells_the_fact_that_decides_and_the_exception_closes(
    client: Client, server: Server, priced: str
) -> None:
    ops, path = client("operations"), f"/v1/exceptions/{priced}/price-mismatch/1"
    asked = {"action": "resolve", "decision": "accept", "reason": "agreed by telephone"}
    got(ops.post(path, json=asked, headers={"If-Match": ops.get(path).headers["etag"]}))
    folded(server)
    closed = got(ops.get(path))
    assert closed["exception"]["closed_at"] and closed["choices"] == {}
    assert closed["actions"][-1]["accept"] is True and closed["intervals"][0]["closed_at"]
    facts = got(ops.get(f"/v1/lineage/{priced}"))["facts"]
    [approved] = [fact for fact in facts if fact["type"] == "order.price-approved"]
    assert approved["data"]["reason"] == "agreed by telephone" and approved["data"]["who"].startswith("key:")
    again = ops.post(path, json=asked, headers={"If-Match": ops.get(path).headers["etag"]})
    assert again.status_code == 409


def test_what_only_its_cause_closes_is_not_resolved_by_hand(client: Client) -> None:
    ops = client("operations")
    overdue = every(ops, "/v1/exceptions", cause="overdue", key="SO-B1")[0]["id"]
    asked = {"action": "resolve", "decision": "accept", "reason": "I want it gone"}
    answer = ops.post(
        f"/v1/exceptions/{overdue}",
        json=asked,
        headers={"If-Match": ops.get(f"/v1/exceptions/{overdue}").headers["etag"]},
    )
    assert answer.status_code == 409 and "is not closed by that" in answer.json()["detail"]


# --- messages ---

TORN = b"ISA*00*torn"


def test_a_held_message_shows_its_findings_and_gives_its_bytes(client: Client, server: Server) -> None:
    ops, number = client("operations"), arrive(server, "acme", TORN)
    assert number in [row["id"] for row in every(ops, "/v1/messages", status="held", limit=2)]
    told = got(ops.get(f"/v1/messages/{number}"))
    assert told["message"]["status"] == "held" and told["findings"] and told["facts"][0]["type"] == "message.held"
    raw = ops.get(f"/v1/messages/{number}/raw")
    assert raw.content == TORN and raw.headers["content-type"] == "application/octet-stream"
    assert raw.headers["content-disposition"].startswith("attachment")
    assert client("finance").get(f"/v1/messages/{number}/raw").status_code == 403
    assert ops.get("/v1/messages/999999").status_code == 404


def test_a_mended_message_stands_in_the_place_of_the_original_whose_bytes_are_kept(
    client: Client, server: Server
) -> None:
    ops, number = client("operations"), arrive(server, "acme", TORN)
    seen = ops.get(f"/v1/messages/{number}").headers["etag"]
    asked = {"reason": "the tail was cut off", "base64": base64.b64encode(b"ISA*00*mended, not well").decode()}
    assert ops.post(f"/v1/messages/{number}/edit", json=asked).status_code == 428
    answer = ops.post(f"/v1/messages/{number}/edit", json=asked, headers={"If-Match": seen})
    made = got(answer, 201)
    assert made["in_place_of"] == number and made["status"] == "stored"
    assert answer.headers["location"] == f"/v1/messages/{made['id']}"
    assert ops.get(f"/v1/messages/{number}/raw").content == TORN
    assert ops.get(f"/v1/messages/{made['id']}/raw").content == b"ISA*00*mended, not well"

    async def work(database: Database) -> None:
        await read(database, server)

    server.ask(work)
    original = got(ops.get(f"/v1/messages/{number}"))
    assert original["message"]["status"] == "replaced" and original["message"]["replaced_by"] == made["id"]
    [edit] = original["resubmissions"]
    assert edit["reason"] == "the tail was cut off" and edit["who"].startswith("key:")
    assert "message.replaced" in [fact["type"] for fact in original["facts"]]
    assert got(ops.get(f"/v1/exceptions/MSG-{number}/message-held"))["exception"]["closed_at"]
    # The edit was no better: it is held itself, under its own number, and can be mended in turn.
    assert got(ops.get(f"/v1/messages/{made['id']}"))["message"]["status"] == "held"
    again = ops.post(f"/v1/messages/{number}/edit", json=asked, headers={"If-Match": "*"})
    assert again.status_code == 409 and "replaced" in again.json()["detail"]


def test_an_edit_says_its_content_once(client: Client, server: Server) -> None:
    ops, number = client("operations"), arrive(server, "acme", TORN)
    for wrong in ({"reason": "x"}, {"reason": "x", "text": "a", "base64": "YQ=="}, {"reason": "x", "base64": "?"}):
        assert ops.post(f"/v1/messages/{number}/edit", json=wrong, headers={"If-Match": "*"}).status_code == 422
    assert ops.post(f"/v1/messages/{number}/edit", json={"text": "a"}, headers={"If-Match": "*"}).status_code == 422


def test_held_messages_are_read_again(client: Client, server: Server) -> None:
    ops, number = client("operations"), arrive(server, "acme", TORN)
    assert got(ops.post("/v1/messages/read-again", json={"messages": [number, 10**12]}))["count"] == 1
    assert got(ops.get(f"/v1/messages/{number}"))["message"]["status"] == "stored"


# --- deliveries ---


@pytest.fixture
def dead(server: Server) -> str:
    """A dead letter of this test's own."""
    key = f"SO-D{secrets.token_hex(4)}".upper()
    tell(server, key, received("blue", f"PO-{key}"))

    async def work(database: Database) -> None:
        await bury(database, f"{key}/credit-check", datetime.now(UTC))

    server.ask(work)
    return f"{key}/credit-check"


def test_deliveries_are_listed_the_newest_first_and_narrowed(client: Client, dead: str) -> None:
    ops = client("operations")
    whole = got(ops.get("/v1/deliveries", params={"limit": 500}))["items"]
    assert [row["id"] for row in every(ops, "/v1/deliveries", limit=6)] == [row["id"] for row in whole]
    assert dead in [row["id"] for row in every(ops, "/v1/deliveries", status="dead", system="erp", partner="blue")]
    assert every(ops, "/v1/deliveries", status="dead", system="nobody") == []


def test_a_retry_is_previewed_and_done_once(client: Client, dead: str) -> None:
    ops = client("operations")
    asked = {"ids": [dead, "SO-NONE/x"]}
    shown = {row["id"]: row["verdict"] for row in got(ops.post("/v1/deliveries/retry/preview", json=asked))["items"]}
    assert shown == {dead: "send", "SO-NONE/x": "nothing"}
    assert got(ops.get(f"/v1/deliveries/{dead}"))["delivery"]["status"] == "dead"
    assert got(ops.post("/v1/deliveries/retry", json=asked))["queued"] == [dead]
    assert got(ops.get(f"/v1/deliveries/{dead}"))["delivery"]["status"] == "queued"
    assert got(ops.post("/v1/deliveries/retry", json=asked))["queued"] == []


def test_all_dead_letters_of_a_system_are_retried_in_bulk(client: Client, dead: str) -> None:
    ops, asked = client("operations"), {"system": "erp", "status": "dead"}
    shown = got(ops.post("/v1/deliveries/retry/preview", json=asked))
    assert dead in [row["id"] for row in shown["items"]]
    assert sorted(got(ops.post("/v1/deliveries/retry", json=asked))["queued"]) == sorted(
        row["id"] for row in shown["items"]
    )
    assert ops.post("/v1/deliveries/retry", json={}).status_code == 422


def test_attempts_show_what_was_sent_and_answered_without_secrets(client: Client, server: Server, dead: str) -> None:
    async def work(database: Database) -> None:
        async with database.transaction() as connection:
            number = await connection.fetchval(
                """INSERT INTO messages (direction, channel, source_id, sha256, data, name, content_type, attributes, received_at, status)
                   VALUES ('out', 'erp', $1, '', $2, $1, 'application/json', $3::text::json, now(), 'sent') RETURNING id""",
                dead,
                b'{"order": "SO-1", "api_key": "s3cret"}',
                '{"request": {"method": "POST", "path": "/v1/x?token=s3cret", "headers": {"X-Api-Key": "s3cret", "X-Order": "1"}}}',
            )
            await connection.execute(
                """INSERT INTO attempts (lane, delivery, attempt, kind, message, started_at, ended_at, outcome, status, detail, answer)
                   SELECT lane, id, 1, 'send', $2, now(), now(), 'later', '503', 'HTTP 503', $3 FROM deliveries WHERE id = $1""",
                dead,
                number,
                b'{"status":"503","headers":{"retry-after":"5"},"body":"busy","length":4}',
            )

    server.ask(work)
    answer = client("operations").get(f"/v1/deliveries/{dead}")
    [attempt] = got(answer)["attempts"]
    assert "s3cret" not in answer.text
    assert attempt["request"]["body"] == '{"order": "SO-1", "api_key": "***"}'
    assert attempt["request"]["headers"] == {"X-Api-Key": "***", "X-Order": "1"}
    assert attempt["answer"] == {"status": "503", "headers": {"retry-after": "5"}, "body": "busy", "length": 4}


# --- replay ---


def test_a_replay_is_previewed_before_anything_is_done(client: Client, server: Server) -> None:
    integration = client("integration")
    shown = got(integration.post("/v1/replays/preview", json={"what": ["SO-A6"]}))
    assert shown["recorded"] is False and shown["new"] == [] and shown["known"] > 3
    assert {effect["verdict"] for effect in shown["effects"]} <= {"already-done", "conflict", "new"}
    done = got(integration.post("/v1/replays", json={"what": ["SO-A6"]}))
    assert done["recorded"] is True and done["new"] == []
    assert client("operations").post("/v1/replays", json={"what": ["SO-A6"]}).status_code == 403
    assert integration.post("/v1/replays/preview", json={"what": ["SO-NONE"]}).status_code == 404
    assert integration.post("/v1/replays/preview", json={"what": ["9" * 30]}).status_code == 404


# --- versions ---


def test_versions_say_who_applied_what(client: Client) -> None:
    auditor = client("auditor")
    [version] = got(auditor.get("/v1/versions"))["items"]
    assert version["applied_by"] == "test" and version["active"]
    told = got(auditor.get("/v1/versions/1/changes"))
    assert ("partner", "added", "acme") in [(each["what"], each["how"], each["id"]) for each in told["changes"]]
    assert auditor.get("/v1/versions/99/changes").status_code == 404
