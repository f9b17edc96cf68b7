"""The picture of the live view: an SVG that stands by itself. It asks nobody for a font; every line has its length written in it, so any monospaced font will do."""

import io
import re
from pathlib import Path

from rich.console import Console, RenderableType
from rich.terminal_theme import SVG_EXPORT_THEME

COLUMNS = 112
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace"

_FACES = re.compile(r"\s*@font-face \{.*?\n    \}", re.DOTALL)
_OUTSIDE = re.compile(r"url\(\s*[\"']?https?:|href=[\"']https?:|src=[\"']https?:")


def draw(shown: RenderableType, file: Path, title: str, columns: int = COLUMNS) -> None:
    """Draws `shown` as a terminal of so many columns shows it. Raises ValueError when the drawing would ask for anything from outside."""
    drawing = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True)
    drawing.print(shown)
    svg = self_contained(drawing.export_svg(title=title, theme=SVG_EXPORT_THEME))
    if _OUTSIDE.search(svg):
        raise ValueError("the drawing asks for something from outside")
    file.write_text(svg, encoding="utf-8")


def self_contained(svg: str) -> str:
    """Rich's SVG without the fonts that it would fetch."""
    return (
        _FACES.sub("", svg)
        .replace("Fira Code, monospace", FONTS)
        .replace("font-family: arial", f"font-family: {FONTS}")
    )
