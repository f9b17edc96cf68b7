"""`crossdock edi`: what is in an EDI file, in words."""

import typer

app = typer.Typer(help="Explain and validate EDI files.", no_args_is_help=True)


@app.callback()
def edi() -> None:
    """Explain and validate EDI files."""
