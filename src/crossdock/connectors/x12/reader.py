"""Reading X12: a stored message into facts, held parts, and the acknowledgements that its sender is owed.

Every transaction set ends in exactly one of four ways: as a fact about its order, as an answer to something that we
sent, as held (with its cause and findings), or as a duplicate that the log knows already. Nothing is raised for
what a message holds, and no document takes another one down. The same stored message always gives the same facts.

Facts happen, for us, when the message came in: X12 dates have no zone, and partners' clocks are their own.
Documents of one message follow one another by a microsecond, so that they keep their order.
"""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import blake2b

from msgspec.structs import replace

from crossdock.connectors import meaning
from crossdock.connectors.x12 import acknowledged
from crossdock.connectors.x12.guides import Guides
from crossdock.connectors.x12.parts import Findings, Part, header_elements, in_words
from crossdock.connectors.x12.receipts import Receipt
from crossdock.crosswalk.directory import Partner
from crossdock.crosswalk.numbers import interchange_key, message_key
from crossdock.crosswalk.orders import NotUnderstood
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.crosswalk.stock import NotKnown
from crossdock.edi.findings import Finding, Place, errors
from crossdock.edi.x12.compiled import examine
from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.document import read as read_document
from crossdock.edi.x12.duplicates import check_usage
from crossdock.edi.x12.envelope import Group, Index, Interchange, Transaction
from crossdock.edi.x12.guide import GuideError
from crossdock.edi.x12.index import index
from crossdock.edi.x12.segments import segments as split
from crossdock.ports.translation import Identity, Message, Reading
from crossdock.trade.documents import FunctionalAcknowledgement

CHUNK = 200
"""Transaction sets that one `Reading` tells of at the most."""

TICK = timedelta(microseconds=1)


class X12Reader:
    """Reads the X12 messages of any channel with one version of the workspace. Holds no state but what saves work."""

    def __init__(self, crosswalk: Crosswalk, guides: Guides | None = None, chunk: int = CHUNK) -> None:
        self._crosswalk = crosswalk
        self._guides = guides or Guides()
        self._chunk = chunk

    def read(self, message: Message) -> Iterator[Reading]:
        """What became of the message, in parts of `chunk` transaction sets."""
        if b"\0" in message.data:
            # As good as a blank between segments, and as bad within them; but no text can be kept with it.
            message = replace(message, data=message.data.replace(b"\0", b"\x1a"))
        found = index(message.data)
        part = Part(message)
        told = Findings(found)
        self._outside(found, told, part)
        for interchange in found.interchanges:
            yield from self._interchange(interchange, told, part)
        yield part.done()

    def _outside(self, found: Index, told: Findings, part: Part) -> None:
        """Bytes that belong to no interchange: the message is held for them, whatever else is in it."""
        stray = told.outside()
        part.findings.extend(stray)
        if found.unreadable or not found.interchanges:
            detail = in_words(errors(stray) or stray) or "there is no interchange in it"
            part.hold(message_key(part.message.id), "unreadable", detail)

    def _interchange(self, interchange: Interchange, told: Findings, part: Part) -> Iterator[Reading]:
        names = Names(interchange)
        part.identities.append(Identity("interchange", names.identity))
        findings = told.of_envelopes(interchange)
        part.findings.extend(findings)
        partners = [self._partner(names, group.sender) for group in interchange.groups]
        partner = next((each for each in partners if each is not None), None) or self._partner(names, None)
        if partner is None:
            part.hold(names.held(part), "unknown-sender", f"{names.sender} to {names.receiver}", control=names.control)
            return
        wrong = check_usage(interchange, partner.x12.usage) if names.usage != partner.x12.usage else None
        if wrong is not None:
            part.findings.append(wrong)
            part.hold(names.held(part), "test-indicator", wrong.message, partner.id, control=names.control)
            return
        part.pending.extend(acknowledged.interchange(interchange.acknowledgements, part.message, part.at))
        receipt = Receipt(interchange, partner, findings, asked=names.ack_requested)
        if receipt.refused:
            detail = in_words(receipt.refused)
            part.hold(names.held(part), "rejected-document", detail, partner.id, control=names.control)
        else:
            for group, sender in zip(interchange.groups, partners, strict=True):
                yield from self._group(interchange, group, sender, names, told, receipt, part)
        data = receipt.fact(
            part.message, self._crosswalk.directory.version, names.sender, names.receiver, names.control
        )
        if data is not None:
            key = interchange_key(partner.id, names.control, *names.key_parts)
            part.tell(key, data, key, (("control-number", names.control),))

    def _partner(self, names: "Names", group_sender: str | None) -> Partner | None:
        return self._crosswalk.partners.find(*names.key, group_sender)

    def _group(
        self,
        interchange: Interchange,
        group: Group,
        partner: Partner | None,
        names: "Names",
        told: Findings,
        receipt: Receipt,
        part: Part,
    ) -> Iterator[Reading]:
        gs = header_elements(group.header, group.separator, 8)
        number = gs[6]
        if partner is None:
            part.hold(names.held(part, number), "unknown-sender", f"group {number} of {gs[2]}")
            return
        findings = told.of_envelope(group)
        rejected: list[str] = []
        if wrong := [finding for finding in errors(findings) if finding.code.ak905]:
            part.hold(names.held(part, number), "rejected-document", in_words(wrong), partner.id)
            rejected.append(f"the whole group: {in_words(wrong)}")
        else:
            for transaction in group.transactions:
                place = Place(
                    offset=transaction.start,
                    interchange=names.control,
                    group=number,
                    transaction=transaction.control_number,
                    transaction_set=transaction.set_id,
                )
                found = self._transaction(transaction, interchange.delimiters, partner, place, told, part)
                if found:
                    findings += found
                    part.findings += found
                    if wrong := [finding for finding in errors(found) if finding.code.ak502]:
                        rejected.append(f"{transaction.set_id} {transaction.control_number}: {in_words(wrong)}")
                if part.count >= self._chunk:
                    yield part.done()
        receipt.group(group, gs, findings, rejected)

    def _transaction(
        self,
        transaction: Transaction,
        delimiters: Delimiters,
        partner: Partner,
        place: Place,
        told: Findings,
        part: Part,
    ) -> list[Finding]:
        """Reads one transaction set into `part`; returns its findings."""
        part.count += 1
        part.at += TICK
        findings = told.of(transaction)
        try:
            guide = self._guides.find(partner, transaction.set_id, transaction.version)
        except GuideError as wrong:
            guide = None
            detail = f"the overlay for {transaction.set_id} cannot be used: {wrong}"
        else:
            detail = f"there is no guide for transaction set {transaction.set_id}"
        if guide is None:
            part.hold_transaction(place, "no-guide", detail, partner.id)
            return findings
        data = part.message.data
        findings += examine(data, transaction, guide, delimiters, place)
        if findings and (refused := errors(findings)):
            part.hold_transaction(place, "rejected-document", in_words(refused), partner.id)
            return findings
        segments = split(data, transaction, delimiters)
        document, unread = read_document(segments, guide)
        findings += unread
        digest = _content_digest(segments)
        if isinstance(document, FunctionalAcknowledgement):
            part.pending.append(acknowledged.functional(document, part.message, digest, part.at))
            return findings
        try:
            meant = meaning.mean(self._crosswalk, part.message, partner, document)
            if unread and (lacking := errors(unread)):
                raise NotUnderstood(in_words(lacking))
        except NotUnderstood as unclear:
            part.hold_transaction(place, _cause(unclear), str(unclear), partner.id)
            return findings
        part.identities.append(Identity("document", f"{partner.id}/{transaction.set_id}/{meant.number}"))
        control = f"{place.interchange}/{place.group}/{place.transaction}"
        names = (("control-number", place.interchange), ("control-number", control), *meant.names)
        if meant.data is not None:
            part.tell(meant.key, meant.data, f"{transaction.set_id}:{meant.number}:{digest}", names)
        part.movements.extend(meant.movements)
        part.snapshots.extend(meant.snapshots)
        return findings


def _cause(unclear: NotUnderstood) -> str:
    if isinstance(unclear, meaning.NoOrderReference):
        return "unknown-order-reference"
    if isinstance(unclear, NotKnown):
        return unclear.cause
    return "no-guide" if isinstance(unclear, meaning.Meaningless) else "map-failed"


class Names:
    """An interchange's identity in the words that are needed, parsed once."""

    def __init__(self, interchange: Interchange) -> None:
        isa = header_elements(interchange.header, interchange.delimiters.element, 16)
        self.key = (isa[5], isa[6], isa[7], isa[8])
        self.control = control = isa[13]
        self.ack_requested = isa[14] == "1"
        self.usage = isa[15]
        self.sender = f"{isa[5]}/{isa[6]}"
        self.receiver = f"{isa[7]}/{isa[8]}"
        self.identity = f"{self.sender}/{self.receiver}/{control.lstrip('0') or control}"
        self.key_parts = (self.sender, self.receiver, isa[9], isa[10])

    def held(self, part: Part, *controls: str) -> str:
        """The key under which the interchange, or the group of these control numbers, is held."""
        return message_key(part.message.id, self.control, *controls)


def _content_digest(segments: list[list[str]]) -> str:
    """What makes the content of a transaction set the same: its segments between ST and SE, whatever the delimiters
    and control numbers.

    The purpose of a duplicate order (BEG01 07) counts as that of the original (00), for it is the same order told
    again.
    """
    body = segments[1:-1]
    if body and body[0][:2] == ["BEG", "07"]:
        body = [["BEG", "00", *body[0][2:]], *body[1:]]
    text = "\x1e".join(["\x1f".join(segment).rstrip("\x1f") for segment in body])
    return blake2b(text.encode(), digest_size=10).hexdigest()
