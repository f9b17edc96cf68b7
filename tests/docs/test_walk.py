"""The README's walk of one order, walked: a run of the demo is kept, and every command that the README shows is put to it."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossdock.store.embedded import Embedded

README = (Path(__file__).parents[2] / "README.md").read_text()
WALK = README.partition("## One order, from its purchase order to its invoice")[2].partition("\n## ")[0]
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("CROSSDOCK_")} | {"COLUMNS": "200"}


def _crossdock(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crossdock", *words]
    return subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The run that the README keeps; its database stays up between the commands."""
    folder = tmp_path_factory.mktemp("walk")
    kept = _crossdock(["demo", "--keep", "shop", "--seconds", "280", "--json"], folder)
    assert kept.returncode == 0, kept.stdout + kept.stderr
    workspace = folder / "shop" / "workspace"
    database = Embedded(workspace / ".crossdock")
    yield workspace
    database.stop()


def _shown() -> list[tuple[list[str], list[str]]]:
    """Each command with the lines that the README shows below it."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", WALK, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, *answer = part.splitlines()
            if line.startswith("crossdock ") and not line.startswith("crossdock demo"):
                found.append((shlex.split(line)[1:], answer))
    return found


def test_every_command_of_the_walk_answers_as_the_readme_shows(shop: Path) -> None:
    shown = _shown()
    assert len(shown) >= 8
    for words, answer in shown:
        done = _crossdock(words, shop)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        for line in answer:
            # Times and numbers of messages are of each run; the words before and after are of all.
            for told in re.findall(
                r"(?:credit|erp|order|shipment|document|tax)\.[a-z-]+ by \w+|waits for [a-z-]+", line
            ):
                assert told in done.stdout, (words, told, done.stdout)
