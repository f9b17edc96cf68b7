"""Keys, tokens, rates, and what nobody gets past."""

import asyncio
import base64
import gzip
import hmac
import json
import secrets
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from joserfc.jwk import RSAKey

from crossdock.api.gate import _ageing
from crossdock.api.permission import Permission
from crossdock.api.problem import Problem
from crossdock.api.throttle import Throttle
from crossdock.api.tokens import AGAIN_SECONDS, Provider
from crossdock.policy.access import ApiTerms, OidcTerms
from crossdock.store.access import Access, Answered, Write
from crossdock.store.database import Database
from crossdock.workspace import WorkspaceError, load

from .conftest import ENVIRON, EXAMPLE, Server
from .identity_provider import AUDIENCE, IdentityProvider

Clients = Callable[..., httpx.Client]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


# --- Keys ---


async def test_a_key_is_kept_as_its_hash_alone(database: Database) -> None:
    _, secret = await Access(database).create_key(secrets.token_bytes(38), "shop", "admin", NOW, by="test")
    async with database.pool.acquire() as connection:
        rows = await connection.fetch("SELECT row_to_json(k)::text AS told FROM api_keys k")
    assert secret not in rows[0]["told"]
    assert secret.split("_", 2)[2] not in rows[0]["told"]


async def test_a_rotated_key_goes_on_for_a_while_and_its_successor_is_the_same_client(database: Database) -> None:
    access = Access(database)
    old, before = await access.create_key(secrets.token_bytes(38), "shop", "partner", NOW, by="test", partner="acme")
    new, after = await access.rotate_key(secrets.token_bytes(38), old.id, NOW, timedelta(hours=1), by="test")
    found = [await access.key_of(secret) for secret in (before, after)]
    assert all(key is not None and key.good_at(NOW + timedelta(minutes=59)) for key in found)
    assert [key.good_at(NOW + timedelta(minutes=61)) for key in found if key] == [False, True]
    assert new.family == old.family
    assert new.partner == "acme"
    assert await access.revoke_key(new.id, NOW)
    assert not await access.revoke_key(new.id, NOW)
    with pytest.raises(KeyError):
        await access.rotate_key(secrets.token_bytes(38), new.id, NOW, timedelta(0), by="test")


async def test_another_secret_under_a_known_id_opens_nothing(database: Database) -> None:
    access = Access(database)
    key, secret = await access.create_key(secrets.token_bytes(38), "shop", "admin", NOW, by="test")
    forged = f"cdk_{key.id}_{'A' * 43}"
    assert await access.key_of(forged) is None
    assert await access.key_of(secret[:-1]) is None


def test_an_expired_key_is_refused(server: Server) -> None:
    async def create(database: Database) -> str:
        past = datetime.now(UTC) - timedelta(seconds=1)
        _, secret = await Access(database).create_key(
            secrets.token_bytes(38), "old", "admin", past, by="test", expires_at=past
        )
        return secret

    headers = {"Authorization": f"Bearer {server.ask(create)}"}
    answer = httpx.get(f"{server.url}/v1/orders", headers=headers, timeout=30)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_the_secret_of_a_new_key_is_not_given_again(client: Clients) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    wanted = {"name": "once", "role": "auditor"}
    first, second = (client("admin").post("/v1/keys", json=wanted, headers=headers) for _ in range(2))
    assert first.json()["secret"].startswith("cdk_")
    assert second.json()["secret"] == ""
    assert second.json()["key"] == first.json()["key"]


# --- Tokens ---


def test_a_token_of_the_provider_signs_its_people_in(server: Server, provider: IdentityProvider) -> None:
    def asks(path: str, token: str) -> httpx.Response:
        return httpx.get(f"{server.url}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=30)

    assert asks("/v1/orders", provider.token()).status_code == 200
    assert asks("/v1/audit", provider.token()).status_code == 403
    buyer = provider.token(groups=["buyers"], company="blue")
    keys = {order["customer"] for order in asks("/v1/orders", buyer).json()["items"]}
    assert keys == {"blue"}
    assert asks("/v1/orders", provider.token(groups=["buyers"])).status_code == 403
    assert asks("/v1/orders", provider.token(groups=["strangers"])).status_code == 403


@pytest.fixture
def terms(provider: IdentityProvider) -> OidcTerms:
    return OidcTerms(
        issuer=provider.issuer, audience=AUDIENCE, role_claim="groups", roles={"warehouse-team": "operations"}
    )


def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another-app"},
        {"aud": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"sub": None},
        {"nbf": 4_000_000_000},
    ],
)
async def test_a_token_with_wrong_claims_opens_nothing(
    provider: IdentityProvider, terms: OidcTerms, claims: dict[str, Any]
) -> None:
    with pytest.raises(Problem) as refused:
        await Provider(terms, now).principal(provider.token(**claims))
    assert refused.value.slug == "not-signed-in"


async def test_a_token_signed_by_another_or_not_at_all_opens_nothing(
    provider: IdentityProvider, terms: OidcTerms
) -> None:
    other = RSAKey.generate_key(2048, {"kid": provider.keys[-1].kid})
    public = provider.keys[-1].as_pem(private=False)
    good = provider.token()
    head = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=").decode()
    signed = f"{head}.{good.split('.')[1]}"
    mac = hmac.digest(public, signed.encode(), "sha256")
    shared = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    unsigned = "eyJhbGciOiJub25lIn0." + good.split(".")[1] + "."
    for token in (provider.token(other), shared, unsigned, "a.b.c", "nothing"):
        with pytest.raises(Problem) as refused:
            await Provider(terms, now).principal(token)
        assert refused.value.slug == "not-signed-in"


async def test_new_keys_of_the_provider_are_fetched_and_strangers_cannot_make_us_ask(
    terms: OidcTerms, monkeypatch: pytest.MonkeyPatch
) -> None:
    with IdentityProvider() as own:
        ours = Provider(OidcTerms(issuer=own.issuer, audience=AUDIENCE, role_claim="groups", roles=terms.roles), now)
        assert (await ours.principal(own.token())).id == "user:ann"
        own.rotate("second")
        for _ in range(5):
            with pytest.raises(Problem):
                await ours.principal(own.token())
        assert own.asked == 1, "it was asked just before"
        ours._tried -= AGAIN_SECONDS
        assert (await ours.principal(own.token())).name == "ann@example.com"
        assert own.asked == 2
        ours._fetched = ours._tried = float("-inf")
    # The provider is gone: its people stay signed in with the keys that we have.
    assert (await ours.principal(own.token())).id == "user:ann"


def test_a_workspace_that_lets_the_wrong_people_in_does_not_pass_the_check(tmp_path: Path) -> None:
    import shutil

    workspace = tmp_path / "workspace"
    shutil.copytree(EXAMPLE, workspace, ignore=shutil.ignore_patterns(".crossdock"))
    file = workspace / "crossdock.toml"
    file.write_text(
        file.read_text()
        + '\n[api.oidc]\nissuer = "http://elsewhere.example"\naudience = ""\nalgorithms = ["HS256"]\n[api.oidc.roles]\nx = "partner"\ny = "boss"\n'
    )
    with pytest.raises(WorkspaceError) as refused:
        load(workspace, ENVIRON)
    told = "\n".join(str(problem) for problem in refused.value.problems)
    for word in ("https", "audience", "HS256", "boss", "partner_claim"):
        assert word in told, told


# --- Rates ---


async def test_who_asks_too_often_is_told_when_to_come_again(database: Database) -> None:
    throttle, terms = Throttle(Access(database)), ApiTerms(rate_per_second=0.001, burst=3)
    told = [dict(throttle.take("key:a", terms, NOW)) for _ in range(3)]
    assert told[0][b"ratelimit-policy"] == b'"burst";q=3;w=3000'
    assert told[-1][b"ratelimit"] == b'"burst";r=0;t=3000'
    with pytest.raises(Problem) as refused:
        throttle.take("key:a", terms, NOW)
    assert (refused.value.status, int(refused.value.headers["Retry-After"]) > 0) == (429, True)
    throttle.take("key:b", terms, NOW)


async def test_a_rate_is_each_servers_own(database: Database) -> None:
    here, there, terms = (
        Throttle(Access(database)),
        Throttle(Access(database)),
        ApiTerms(rate_per_second=0.001, burst=1),
    )
    for throttle in (here, there):
        throttle.take("key:a", terms, NOW)
        await throttle.flush()
    for throttle in (here, there):
        with pytest.raises(Problem, match="the rate"):
            throttle.take("key:a", terms, NOW)


async def test_a_quota_holds_over_all_servers_and_ends_with_the_day(database: Database) -> None:
    terms = ApiTerms(requests_per_day=4)
    here, there = Throttle(Access(database)), Throttle(Access(database))
    for throttle in (here, there):
        throttle.take("key:a", terms, NOW)
        throttle.take("key:a", terms, NOW)
        await throttle.flush()
    there._fresh["key:x"] = 1
    await there.flush()
    with pytest.raises(Problem) as refused:
        there.take("key:a", terms, NOW)
    assert refused.value.headers["RateLimit"] == '"day";r=0;t=54000'
    there.take("key:a", terms, NOW + timedelta(days=1))


def test_every_answer_tells_what_is_left(client: Clients) -> None:
    headers = client("auditor").get("/v1/orders").headers
    assert headers["ratelimit-policy"] == '"burst";q=2000;w=4'
    assert headers["ratelimit"].startswith('"burst";r=')


# --- Writes and their log ---


async def test_a_write_whose_server_died_is_taken_up_by_whoever_repeats_it(database: Database) -> None:
    access = Access(database)
    write = Write(client="key:a", key="k", digest=b"d", what="POST /v1/orders", name="shop", role="partner")
    assert await access.claim(write, NOW) is None
    taken = await access.claim(write, NOW + timedelta(seconds=59))
    assert taken is not None and taken["status"] is None
    assert await access.claim(write, NOW + timedelta(seconds=61)) is None
    await access.finish(write, Answered(201, [("x", "y")], b"{}"), NOW)
    kept = await access.claim(write, NOW + timedelta(days=1))
    assert kept is not None and (kept["status"], bytes(kept["body"])) == (201, b"{}")


async def test_of_the_same_write_sent_many_times_at_once_one_is_done(database: Database) -> None:
    access = Access(database)
    sent = [
        Write(client="key:a", key=f"k{n % 3}", digest=b"d", what="POST /v1/orders", name="shop", role="partner")
        for n in range(30)
    ]
    taken = await asyncio.gather(*(access.claim(write, NOW) for write in sent))
    assert [write.key for write, row in zip(sent, taken, strict=True) if row is None] == ["k0", "k1", "k2"]
    assert all(row["status"] is None for row in taken if row is not None), "the others are told that it is under way"


def test_clients_that_keep_their_connections_do_not_keep_others_out(server: Server) -> None:
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    kept = [socket.create_connection((host, int(port)), 5) for _ in range(400)]
    try:
        for connection in kept:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 200"
        assert httpx.get(f"{server.url}/livez", timeout=10).status_code == 200
    finally:
        for connection in kept:
            connection.close()


async def test_a_write_that_nobody_finished_stands_in_the_audit_log(database: Database) -> None:
    access = Access(database)
    write = Write(client="key:a", key="k", digest=b"d", what="POST /v1/orders", name="shop", role="partner")
    await access.claim(write, NOW)
    await access.sweep(NOW + timedelta(hours=1))
    (line,) = await access.audit_lines()
    assert (line["who"], line["what"], line["status"]) == ("key:a", "POST /v1/orders", 0)
    assert await access.claim(write, NOW + timedelta(hours=2)) is None, "it can still be repeated"


async def test_the_audit_log_can_be_added_to_and_nothing_else(database: Database) -> None:
    await Access(database).note(NOW, "user:ann", "Ann", "admin", "keys create", "k1", after={"role": "admin"})
    async with database.pool.acquire() as connection:
        for statement in ("UPDATE audit_log SET who = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await connection.execute(statement)


def test_the_audit_log_says_who_did_what_and_how_it_was_before(client: Clients) -> None:
    order = {
        "number": f"A{secrets.token_hex(4).upper()}",
        "lines": [{"line": "1", "quantity": "2", "unit": "EA", "items": [{"qualifier": "buyer-item", "id": "700100"}]}],
    }
    place = client("partner", "acme").post("/v1/orders", json=order, headers={"Prefer": "wait=0"}).headers["location"]
    client("partner", "acme").post(f"{place}/cancellation", json={}, headers={"Prefer": "wait=0"})
    lines = client("auditor").get("/v1/audit", params={"subject": place.rsplit("/", 1)[1]}).json()["items"]
    assert [line["what"] for line in lines] == [f"POST {place}/cancellation", "POST /v1/orders"]
    assert lines[0]["before"]["milestone"] == "received"
    assert lines[0]["after"]["milestone"] == "cancelled"
    assert lines[0]["who"].startswith("key:")


# --- Bodies and headers ---


def test_a_packed_body_is_unpacked_up_to_its_limit(client: Clients) -> None:
    fact = {
        "system": "erp",
        "key": "SO-A2",
        "type": "order.hold-released",
        "id": secrets.token_hex(4),
        "data": {"hold": "x"},
    }
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    packed = client("integration").post("/v1/facts", content=gzip.compress(json.dumps(fact).encode()), headers=headers)
    assert packed.status_code == 201, packed.text
    bomb = client("integration").post("/v1/facts", content=gzip.compress(b" " * 50_000_000), headers=headers)
    assert bomb.status_code == 413
    torn = client("integration").post("/v1/facts", content=gzip.compress(b"{}")[:-4], headers=headers)
    assert torn.status_code == 400
    odd = client("integration").post("/v1/facts", content=b"{}", headers={**headers, "Content-Encoding": "br"})
    assert odd.status_code == 415


def test_long_answers_are_packed_for_those_who_take_it(client: Clients) -> None:
    answer = client("operations").get("/v1/orders", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["items"]


def test_other_sites_scripts_are_told_nothing(client: Clients) -> None:
    answer = client("operations").get("/v1/orders", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_a_callers_trace_goes_on(client: Clients) -> None:
    given = f"00-{'a' * 32}-{'b' * 16}-01"
    answer = client("operations").get("/v1/orders", headers={"traceparent": given})
    told = answer.headers["traceparent"]
    assert (told[:36], told[-2:]) == (given[:36], "01")
    assert told != given


def test_a_route_that_goes_says_so_beforehand() -> None:
    told = dict(_ageing({"deprecation": NOW, "sunset": datetime(2027, 1, 1, tzinfo=UTC)}))
    assert told == {b"deprecation": b"@1772442000", b"sunset": b"Fri, 01 Jan 2027 00:00:00 GMT"}
    assert _ageing({}) == []


def test_what_postgresql_cannot_keep_is_refused(client: Clients) -> None:
    order = {"number": "A\0B", "lines": []}
    assert client("partner", "acme").post("/v1/orders", json=order).status_code == 422
    assert client("operations").get("/v1/orders?milestone=%00").status_code == 422
    assert client("operations").get("/v1/orders/%00").status_code == 404


def test_words_from_outside_stay_words(client: Clients) -> None:
    """Whatever is asked with quotes, percent signs and statements in it, nothing is found and nothing breaks."""
    for word in ("' OR '1'='1", "%", "_", "\\", "'; DROP TABLE facts; --", "${7*7}", "{{7*7}}"):
        answer = client("operations").get("/v1/orders", params={"purchase_order": word, "milestone": word})
        assert (answer.status_code, answer.json()["items"]) == (200, []), word


def test_every_permission_belongs_to_somebody_but_the_admin_too() -> None:
    from crossdock.api.permission import GRANTS
    from crossdock.api.principal import Role

    others = frozenset().union(*(granted for role, granted in GRANTS.items() if role is not Role.ADMIN))
    assert set(Permission) - others == {Permission.KEYS_WRITE}
