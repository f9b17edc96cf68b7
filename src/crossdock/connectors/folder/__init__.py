"""Mailbox folders: what a partner drops is taken once (`FolderSource`), what we drop is dropped once (`FolderSink`).
Any local or NFSv4 file system with
hard links, atomic rename and flock will do; which bytes are inside is nobody's business here."""

from crossdock.connectors.folder.sink import FolderSink
from crossdock.connectors.folder.source import FolderSource, Trouble
from crossdock.connectors.folder.spec import FolderSpec, folder_spec

__all__ = ["FolderSink", "FolderSource", "FolderSpec", "Trouble", "folder_spec"]
