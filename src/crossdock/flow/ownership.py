"""Who may say what of stock: movements by a system that is not of record for the state that they change are set aside, with the rule in words."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from crossdock.ledger.ownership import Owner, refused
from crossdock.ports.translation import Message, Reader, Reading


class OwnedReader:
    """Another reader, whose movements are held against the rules. Implements `ports.translation.Reader`."""

    def __init__(self, reader: Reader, rules: Sequence[Owner]) -> None:
        self.reader = reader
        self._rules = rules

    def read(self, message: Message) -> Iterator[Reading]:
        for reading in self.reader.read(message):
            yield judged(reading, self._rules)


def judged(reading: Reading, rules: Sequence[Owner]) -> Reading:
    """`reading` with what its source may not say among `refused`."""
    if not reading.movements:
        return reading
    against = [(movement, refused(movement, rules)) for movement in reading.movements]
    if not any(rule for _, rule in against):
        return reading
    return replace(
        reading,
        movements=tuple(movement for movement, rule in against if not rule),
        refused=(*reading.refused, *((movement, rule) for movement, rule in against if rule)),
    )
