"""All measurements, one after the other, each in a process of its own and with a limit of its own time: `make bench`.

    python -m bench [--only codec,road,delay,growth,memory,promising,stock,reconcile,year,api] [--quick]

`road` is our whole orders beside DBOS. Not among those that are run by default: `kill`, the long run with kill -9 (`python -m bench.kill`),
and `pages`, which puts a million orders into a database first (`python -m bench.pages`). Ends with 1
when one of them failed or did not come to its end.
"""

import argparse
import os
import signal
import subprocess
import sys
import time

from bench.machine import machine

ALL: dict[str, tuple[tuple[str, ...], tuple[str, ...], float]] = {
    "codec": (("bench.codec",), ("--scale", "0.02"), 240),
    "road": (
        ("bench.dbos_peer", "--orders", "3000"),
        ("--count", "20", "--tried", "10", "--ways", "2", "--orders", "60"),
        420,
    ),
    "delay": (("bench.delay",), ("--orders", "100", "--seconds", "6"), 150),
    "growth": (("bench.growth",), ("--sizes", "6000,12000", "--orders", "40"), 420),
    "memory": (("bench.memory",), ("--orders", "60"), 90),
    "promising": (("bench.promising",), ("--scale", "0.05"), 120),
    "stock": (
        ("bench.stock",),
        (
            "--movements",
            "2000",
            "--batches",
            "500",
            "--items",
            "200",
            "--catalogue",
            "3000",
            "--rate",
            "40",
            "--seconds",
            "2",
        ),
        420,
    ),
    "reconcile": (("bench.reconcile",), ("--positions", "20000"), 240),
    "year": (("bench.year",), ("--items", "300", "--days", "30", "--moves", "40"), 1200),
    "api": (("bench.api",), ("--seconds", "1", "--rounds", "1", "--rate", "20"), 300),
    "pages": (("bench.pages",), ("--orders", "3000", "--rounds", "4"), 3600),
    "kill": (("bench.kill",), ("--orders", "60", "--kills", "4", "--gap", "3"), 3600),
}
"""By name: the command, what makes it small, and the seconds after which it is ended."""
DEFAULT = ("codec", "road", "delay", "growth", "memory", "promising", "stock", "reconcile", "year", "api")
GRACE_SECONDS = 20.0


def run(name: str, *, quick: bool) -> bool:
    """One measurement; whether it came to its end. What it has started goes with it."""
    command, small, limit_seconds = ALL[name]
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", *command, *(small if quick else ())],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(limit_seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
        code = -1
        print(f"{name}: not done after {limit_seconds:g} s, ended", flush=True)
    except KeyboardInterrupt:
        process.terminate()
        raise
    finally:
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    print(f"{name}: {time.monotonic() - began:.0f} s\n", flush=True)
    return code == 0


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(DEFAULT), help=f"some of {', '.join(ALL)}, with commas between")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it works, not how fast it is")
    given = parser.parse_args()
    names = [name.strip() for name in given.only.split(",") if name.strip()]
    if unknown := [name for name in names if name not in ALL]:
        parser.error(f"no such measurement: {', '.join(unknown)}; there are {', '.join(ALL)}")
    print(f"{machine()}\nload average when it began: {os.getloadavg()[0]:.1f}\n", flush=True)
    failed = [name for name in names if not run(name, quick=given.quick)]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
