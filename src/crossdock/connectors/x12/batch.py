"""One interchange in the making: the transaction sets that go to one partner at once, grouped by functional id."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from crossdock.crosswalk.directory import Partner, X12Profile
from crossdock.crosswalk.partners import sending_identity
from crossdock.edi.findings import Finding, Place, errors
from crossdock.edi.x12.compiled import examine
from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.guide import Guide
from crossdock.edi.x12.index import index
from crossdock.edi.x12.writer import (
    Collision,
    GroupDraft,
    GroupHeader,
    InterchangeHeader,
    Style,
    TransactionDraft,
    write_interchange,
)

LAST_NUMBER = 999_999_999
"""ISA13 and GS06 have nine digits; behind that, numbers start again at 1."""


def wrapped(number: int) -> int:
    """A control number that never ends as one of nine digits."""
    return (number - 1) % LAST_NUMBER + 1


class NotWritable(ValueError):
    """Why a delivery cannot be written; for a person."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One delivery as segments between ST and SE; functional_id is empty for a TA1, which stands outside of groups."""

    delivery: str
    functional_id: str
    set_id: str
    segments: Sequence[Sequence[str]]
    guide: Guide | None = None


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """An interchange as bytes, the control numbers of each delivery in it, and (delivery, reason) of those left out."""

    data: bytes
    control: dict[str, str]
    unwritable: tuple[tuple[str, str], ...] = ()


class Batch:
    """What goes to one partner. Raises NotWritable where the workspace does not say between whom."""

    def __init__(self, partner: Partner) -> None:
        them = sending_identity(partner)
        if them is None or partner.us is None:
            raise NotWritable(f"the workspace does not say under which identities we and {partner.id} exchange X12")
        self.partner = partner
        self._them, self._us = them, partner.us
        self._style = _style(partner)
        self.entries: list[Entry] = []

    def written(self, interchange: int, groups: Sequence[int], now: datetime) -> Sealed:
        """The interchange under these control numbers, one for each of `grouped` entries.

        It is read back before it leaves. An entry that its guide does not allow, or that holds characters which the
        partner wants refused, is left out with its reason; the others are written.
        """
        entries = list(self.entries)
        unwritable: list[tuple[str, str]] = []
        while entries:
            drafts, control = self._drafts(entries, interchange, groups, now)
            services = [segment for entry in entries if not entry.functional_id for segment in entry.segments]
            written = write_interchange(self._header(interchange, now), drafts, self._style, services)
            wrong = errors(written.findings) or _read_back(written.data, {e.set_id: e.guide for e in entries})
            if not wrong:
                return Sealed(written.data, control, tuple(unwritable))
            reasons = _reasons(wrong, control)
            # What belongs to no one transaction set, such as an identity too long for ISA, refuses all that is left.
            left_out = {entry.delivery: reasons.get(entry.delivery) or reasons.get("") or "" for entry in entries}
            unwritable += [(delivery, reason) for delivery, reason in left_out.items() if reason]
            entries = [entry for entry in entries if not left_out[entry.delivery]]
        return Sealed(b"", {}, tuple(unwritable))

    def _drafts(
        self, entries: Sequence[Entry], interchange: int, numbers: Sequence[int], now: datetime
    ) -> tuple[list[GroupDraft], dict[str, str]]:
        drafts: list[GroupDraft] = []
        control: dict[str, str] = {}
        for (functional_id, members), number in zip(grouped(entries).items(), numbers, strict=False):
            transactions: list[TransactionDraft] = []
            for place, entry in enumerate(members, 1):
                transaction = f"{place:04d}"
                transactions.append(TransactionDraft(entry.set_id, transaction, entry.segments))
                control[entry.delivery] = f"{interchange:09d}/{functional_id}/{number}/{transaction}"
            drafts.append(GroupDraft(self._group_header(functional_id, number, now), transactions))
        for entry in entries:
            control.setdefault(entry.delivery, f"{interchange:09d}///")
        return drafts, control

    def _header(self, number: int, now: datetime) -> InterchangeHeader:
        profile = self.partner.x12
        return InterchangeHeader(
            sender_qualifier=self._us.qualifier,
            sender=self._us.id,
            receiver_qualifier=self._them.qualifier,
            receiver=self._them.id,
            date=f"{now:%y%m%d}",
            time=f"{now:%H%M}",
            control_number=number,
            version=profile.version[:5],
            usage=profile.usage,
        )

    def _group_header(self, functional_id: str, number: int, now: datetime) -> GroupHeader:
        return GroupHeader(
            functional_id=functional_id,
            sender=self._us.group_id or self._us.id,
            receiver=self._them.group_id or self._them.id,
            date=f"{now:%Y%m%d}",
            time=f"{now:%H%M}",
            control_number=number,
            version=self.partner.x12.version,
        )


def grouped(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Entries by functional id, in the order in which the first of each came."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.functional_id:
            found.setdefault(entry.functional_id, []).append(entry)
    return found


def _read_back(data: bytes, guides: Mapping[str, Guide | None]) -> list[Finding]:
    """What a reader with the same guides would refuse of what we have written."""
    found = index(data)
    wrong = errors(found.findings)
    for interchange in found.interchanges:
        for group in interchange.groups:
            for transaction in group.transactions:
                guide = guides[transaction.set_id]
                if guide is not None:
                    place = Place(
                        group=group.control_number,
                        transaction=transaction.control_number,
                        transaction_set=transaction.set_id,
                    )
                    wrong += errors(examine(data, transaction, guide, interchange.delimiters, place))
    return wrong


def _reasons(wrong: Sequence[Finding], control: Mapping[str, str]) -> dict[str, str]:
    """Why, by delivery; "" for what is wrong with the whole."""
    by_place = {tuple(told.split("/")[2:]): delivery for delivery, told in control.items()}
    reasons: dict[str, list[str]] = {}
    for finding in wrong:
        place = (finding.place.group, finding.place.transaction)
        reasons.setdefault(by_place.get(place, ""), []).append(finding.message)
    return {delivery: "; ".join(told[:3]) for delivery, told in reasons.items()}


def _style(partner: Partner) -> Style:
    profile = partner.x12
    return Style(
        delimiters=Delimiters(
            element=profile.element_separator.encode(),
            component=profile.component_separator.encode(),
            segment=profile.segment_terminator.encode(),
            repetition=_repetition(profile).encode() or None,
            line_break=profile.line_break.encode(),
        ),
        collision=Collision.REPLACE if profile.replace else Collision.REFUSE,
        replacement=profile.replace or " ",
    )


def _repetition(profile: X12Profile) -> str:
    # From 00402 on ISA11 is read as the separator, whatever stands there: it must be one that data does not hold.
    return profile.repetition_separator or ("^" if profile.version[:5] > "00401" else "")
