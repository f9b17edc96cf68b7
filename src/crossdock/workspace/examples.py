"""The example workspace that comes with Crossdock: in an installed package beside this module, in a source tree below `examples`."""

from pathlib import Path

NAME = "wholesaler"


def example_workspace() -> Path:
    """The folder of the example workspace, to be copied and never written to. Raises FileNotFoundError where there is none."""
    here = Path(__file__).resolve()
    places = (here.parent / "example", here.parents[3] / "examples" / NAME)
    for folder in places:
        if (folder / "crossdock.toml").is_file():
            return folder
    raise FileNotFoundError(f"there is no example workspace at {places[0]} or {places[1]}; it comes with the package")
