"""Who may ask."""

from collections.abc import Callable
from typing import Any as Server

import httpx


def test_without_a_key_nothing_is_told(server: Server) -> None:
    answer = httpx.get(f"{server.url}/v1/keys")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("/not-signed-in")


def test_a_key_is_made_shown_once_and_revoked(client: Callable[..., httpx.Client], server: Server) -> None:
    admin = client("admin")
    made = admin.post("/v1/keys", json={"name": "shop", "role": "integration"})
    assert made.status_code == 201, made.text
    headers = {"Authorization": f"Bearer {made.json()['secret']}"}
    assert httpx.get(f"{server.url}/v1/keys", headers=headers).status_code == 403
    assert made.json()["secret"] not in admin.get("/v1/keys").text
    assert admin.delete(f"/v1/keys/{made.json()['key']['id']}").status_code == 200
    lines = admin.get("/v1/audit").json()["items"]
    assert lines[0]["what"].startswith("DELETE /v1/keys/")


def test_the_population_is_there(server: Server) -> None:
    async def question(database):
        async with database.pool.acquire() as connection:
            return await connection.fetch("SELECT key, partner, milestone FROM processes ORDER BY key")

    found = {row["key"]: (row["partner"], row["milestone"]) for row in server.ask(question)}
    assert found["SO-A1"][0] == "acme"
    assert found["SO-B6"][0] == "blue"
