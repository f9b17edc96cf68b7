"""The example workspace comes with the package: every file of it, and nothing that a run has left beside it."""

import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crossdock.cli import app
from crossdock.workspace.examples import example_workspace

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "wholesaler"
LEFT_BEHIND = ("mailboxes", ".crossdock", ".gitignore")


def of_the_example(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] not in LEFT_BEHIND
    }


def test_the_wheel_takes_in_every_file_of_the_example_under_the_place_where_it_is_looked_for() -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    taken = built["force-include"]
    for name in {Path(file).parts[0] for file in of_the_example(EXAMPLE)}:
        assert taken[f"examples/wholesaler/{name}"] == f"crossdock/workspace/example/{name}"
    assert {Path(source).name for source in taken} & set(LEFT_BEHIND) == set()


def test_init_makes_the_example_whole_and_it_is_as_good_as_the_one_in_the_source(tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["init", "--example", str(tmp_path / "made")])
    assert made.exit_code == 0, made.output
    assert of_the_example(tmp_path / "made") == of_the_example(example_workspace())


def test_init_makes_nothing_where_something_is(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    assert CliRunner().invoke(app, ["init", "--example", str(tmp_path)]).exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.skipif(
    importlib.util.find_spec("hatchling") is None, reason="hatchling, which builds the wheel, is not here"
)
def test_a_built_wheel_makes_the_example_without_the_source_tree(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "installed")
    script = f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r}); from crossdock.cli import main; main()"
    made = subprocess.run(
        [sys.executable, "-c", script, "init", "--example", str(tmp_path / "made")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert made.returncode == 0, made.stderr
    assert of_the_example(tmp_path / "made") == of_the_example(EXAMPLE)
