"""`crossdock keys` as somebody types it, on the server's database."""

import json
import os
import subprocess
import sys

import httpx

from .conftest import ENVIRON, Server


def crossdock(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **ENVIRON, "CROSSDOCK_DATABASE_URL": server.database_url}
    command = [sys.executable, "-m", "crossdock", "keys", *arguments, "--workspace", str(server.workspace)]
    return subprocess.run(command, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_a_key_is_made_rotated_and_revoked_at_the_command_line(server: Server) -> None:
    def status(secret: str) -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return httpx.get(f"{server.url}/v1/orders", headers=headers, timeout=60).status_code

    made = crossdock(server, "create", "shop", "--role", "partner", "--partner", "acme")
    first = made.stdout.strip()
    assert (made.returncode, status(first)) == (0, 200), made.stderr
    listed = crossdock(server, "list", "--json")
    assert first not in listed.stdout
    id_ = first.split("_")[1]
    assert id_ in {key["id"] for key in json.loads(listed.stdout)}
    second = crossdock(server, "rotate", id_, "--overlap-hours", "1").stdout.strip()
    assert (status(first), status(second)) == (200, 200)
    assert crossdock(server, "revoke", second.split("_")[1]).returncode == 0
    assert crossdock(server, "revoke", "000000000000").returncode == 3
    assert crossdock(server, "create", "x", "--role", "partner", "--partner", "nobody").returncode == 3
    assert crossdock(server, "create", "x", "--role", "auditor", "--scope", "keys:write").returncode == 2
