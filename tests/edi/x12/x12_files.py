"""X12 files that the tests write themselves, and where the collection of other people's files lies if it is there."""

import random
from collections.abc import Iterator
from pathlib import Path

SAMPLES = Path(__file__).parents[4] / "shared" / "samples"
HAVE_SAMPLES = (SAMPLES / "index.tsv").is_file()


def samples() -> list[Path]:
    return sorted((SAMPLES / "x12").iterdir()) if HAVE_SAMPLES else []


def isa(number: int = 1, *, element: str = "*", component: str = ">", version: str = "00401", repeat: str = "U") -> str:
    """An ISA of 105 bytes, its terminator left out."""
    values = ["00", " " * 10, "00", " " * 10, "ZZ", "RETAILER".ljust(15), "ZZ", "WHOLESALER".ljust(15)]
    values += ["260105", "0915", repeat, version, f"{number:09d}", "0", "P", component]
    return element.join(["ISA", *values])


def order(number: int = 1, lines: int = 2) -> list[str]:
    """The segments of an 850, with * between elements."""
    body = [f"BEG*00*SA*PO{number:06d}**20260105", "N1*ST*VISA HALL*92*1234"]
    for line in range(1, lines + 1):
        body += [f"PO1*{line}*12*EA*9.95**UP*012345678905", "PID*F****WIDGET, BLUE"]
    body.append(f"CTT*{lines}")
    return [f"ST*850*{number:04d}", *body, f"SE*{len(body) + 2}*{number:04d}"]


def group(number: int, sets: list[list[str]], functional_id: str = "PO", version: str = "004010") -> list[str]:
    inside = [segment for each in sets for segment in each]
    head = f"GS*{functional_id}*RETAILER*WHOLESALER*20260105*0915*{number}*X*{version}"
    return [head, *inside, f"GE*{len(sets)}*{number}"]


def interchange(number: int, groups: list[list[str]], **header: str) -> list[str]:
    inside = [segment for each in groups for segment in each]
    return [isa(number, **header), *inside, f"IEA*{len(groups)}*{number:09d}"]


def text(segments: list[str], ending: str = "~\n") -> bytes:
    return "".join(segment + ending for segment in segments).encode()


def plain(number: int = 1, orders: int = 2, ending: str = "~\n") -> bytes:
    """One interchange with one group of orders."""
    return text(interchange(number, [group(number, [order(n) for n in range(1, orders + 1)])]), ending)


def binary() -> bytes:
    """A binary segment whose data looks like the end of everything."""
    data = "X~SE*9*9~GE*1*1~IEA*1*1~\n"
    body = ["ST*102*0001", f"BIN*{len(data)}*{data}", "SE*3*0001"]
    return text(interchange(7, [group(7, [body])], version="00501", repeat="^"))


def wrapped(width: int = 80, line_break: bytes = b"\r\n") -> bytes:
    """Lines broken without regard to segments."""
    data = plain(1, 3, "~")
    return b"".join(data[at : at + width] + line_break for at in range(0, len(data), width))


def written() -> list[bytes]:
    """Files of every shape that the reader must know: the ground for mutations."""
    modern = interchange(3, [group(3, [order(1)], version="005010")], version="00501", repeat="^")
    pipes = [each.replace("*", "|") for each in interchange(4, [group(4, [order(1)])])]
    answer = ["ST*997*0001", "AK1*PO*1", "AK2*850*0001", "AK5*A", "AK9*A*1*1*1", "SE*6*0001"]
    return [
        plain(1),
        plain(2, ending="~"),
        plain(3, ending="\n"),
        plain(4, ending="\r\n"),
        plain(5, 3, ending="~\r\n") + plain(6),
        b"\xef\xbb\xbf\r\n" + text(modern),
        text(pipes, "\x1e"),
        text([isa(8), "TA1*000000001*260105*0915*A*000", "IEA*0*000000008"]),
        text(interchange(9, [group(1, [order(1), order(2)]), group(2, [answer], "FA")])),
        binary(),
        plain(10)[:-40],
        plain(11).replace(b"        ", b"  "),
    ]


def mutations(seed: int, count: int, grounds: list[bytes]) -> Iterator[bytes]:
    """`count` files that somebody might have damaged: bytes changed, cut, doubled, moved, and files run together."""
    chance = random.Random(seed)
    marks = [b"~", b"*", b"\n", b"\r", b">", b"^", b"ISA", b"IEA", b"GS*", b"GE*", b"ST*", b"SE*", b"BIN*5*", b"\x00"]
    marks += [b"\xff", b"\xc3\x96", b"\xef\xbb\xbf", b"~~", b"~\r\n", b"-1", b"99999999999999999999", b" ", b""]
    for _ in range(count):
        data = bytearray(chance.choice(grounds))
        for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
            at, end = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
            match chance.randrange(8):
                case 0:
                    data[at : at + 1] = bytes([chance.randrange(256)])
                case 1:
                    data[at:at] = chance.choice(marks)
                case 2:
                    data[at : at + chance.randrange(1, 5)] = chance.choice(marks)
                case 3:
                    del data[at:end]
                case 4:
                    data[end:end] = data[at : min(end, at + 300)]
                case 5:
                    del data[end:]
                case 6:
                    data[at:at] = chance.choice(grounds)[:400]
                case _:
                    data[at : at + 3] = bytes(chance.randrange(256) for _ in range(3))
        yield bytes(data)
