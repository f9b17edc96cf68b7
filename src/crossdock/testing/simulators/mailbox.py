"""A partner's mailbox folder: `to-us/` is written by the counterparty, `from-us/` is read by it, `taken/` keeps what
it has read.

A file is complete once it has its final name. It is moved away as soon as it is read, before its content is worked on.
"""

from collections.abc import Iterator
from pathlib import Path


class Mailbox:
    """The counterparty's side of the folder; makes the folders that are not there."""

    def __init__(self, folder: Path, keep_taken: bool = True) -> None:
        self.outgoing = folder / "to-us"
        self.incoming = folder / "from-us"
        self.taken = folder / "taken"
        self.keep_taken = keep_taken
        for each in (self.outgoing, self.incoming, self.taken):
            each.mkdir(parents=True, exist_ok=True)

    def drop(self, name: str, data: bytes) -> None:
        """Write beside and rename."""
        part = self.outgoing / f".{name}.part"
        part.write_bytes(data)
        part.rename(self.outgoing / name)

    def take(self) -> Iterator[tuple[int, bytes]]:
        """The complete files that lie there, with the moment of writing (ns), oldest first; each is moved away before
        it is handed out.

        Two files may bear the same moment: file systems count in milliseconds.
        """
        waiting = [
            (path.stat().st_mtime_ns, path.name, path) for path in self.incoming.iterdir() if not _unfinished(path)
        ]
        for moment, name, path in sorted(waiting):
            data = path.read_bytes()
            if self.keep_taken:
                path.rename(self._free(name))
            else:
                path.unlink()
            yield moment, data

    def _free(self, name: str) -> Path:
        # The other side may use a name twice; both files are kept.
        target, again = self.taken / name, 1
        while target.exists():
            target, again = self.taken / f"{name}.{again}", again + 1
        return target


def _unfinished(path: Path) -> bool:
    return path.name.startswith(".") or path.suffix == ".part" or not path.is_file()
