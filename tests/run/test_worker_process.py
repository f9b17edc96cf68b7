"""The worker as a process of its own, with the webhook's listener and its threads: asked to stop, it stops, and says so by its exit code."""

import asyncio
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from crossdock.store.database import connect
from crossdock.wiring import KeptVersions, WaitingWork
from crossdock.workspace import load
from crossdock.workspace.apply import apply
from crossdock.workspace.plan import plan

WORKSPACE = Path(__file__).parents[2] / "examples" / "wholesaler"
SECRETS = {"ERP_TOKEN": "t", "TAX_API_KEY": "t", "SHOP_TOKEN": "t", "ERP_WEBHOOK_SECRET": "t"}
LONGEST_SECONDS = 60.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def knock(port: int, stop: threading.Event) -> None:
    """Posts to the worker without a pause."""
    while not stop.is_set():
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            while not stop.is_set():
                connection.request("POST", "/hooks/nobody", b"{}" * 2000)
                connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)


def end_of_a_worker(workspace: Path, environ: dict[str, str], port: int, busy: bool) -> tuple[int, str]:
    """Starts a worker, asks it to stop once it listens, and gives its exit code and what it said."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "crossdock", "worker", "--workspace", str(workspace)],
        env={**environ, "CROSSDOCK_LISTEN": f"127.0.0.1:{port}"},
        stderr=subprocess.PIPE,
    )
    stop = threading.Event()
    knocking = threading.Thread(target=knock, args=(port, stop))
    try:
        until = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < until and worker.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.05)
        if busy:
            knocking.start()
            time.sleep(0.3)
        worker.send_signal(signal.SIGTERM)
        _, said = worker.communicate(timeout=LONGEST_SECONDS)
        return worker.returncode, said.decode()
    finally:
        stop.set()
        if busy:
            knocking.join()
        worker.kill()


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "while-webhooks-come"])
async def test_a_worker_that_listens_ends_well_when_it_is_asked_to(
    database_url: str, tmp_path: Path, busy: bool
) -> None:
    workspace = tmp_path / "wholesaler"
    shutil.copytree(WORKSPACE, workspace, ignore=shutil.ignore_patterns(".crossdock"))
    environ = {**os.environ, **SECRETS, "CROSSDOCK_DATABASE_URL": database_url}
    database = await connect(database_url, 2)
    await apply(plan(None, load(workspace, environ)), KeptVersions(database), WaitingWork(database), who="ann")
    await database.close()
    code, said = await asyncio.to_thread(end_of_a_worker, workspace, environ, free_port(), busy)
    assert code == 0, said
