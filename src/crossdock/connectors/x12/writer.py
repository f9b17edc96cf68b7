"""Writing X12: deliveries into interchanges, one for each partner in a batch, by the partner's guide, overlay,
delimiters and version.

What we write is held against the same guide that we read by, before it leaves. A document that cannot be written is
told with its reason and takes nothing else with it. The same deliveries, control numbers and clock give the same
bytes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crossdock.connectors.x12.batch import Batch, Entry, NotWritable, Sealed, grouped, wrapped
from crossdock.connectors.x12.guides import Guides
from crossdock.connectors.x12.sets import SETS
from crossdock.crosswalk.directory import Partner
from crossdock.crosswalk.outgoing import in_their_words
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.edi.x12.document import CannotWrite, Context, write
from crossdock.edi.x12.guide import GuideError
from crossdock.facts.order import DocumentSent
from crossdock.ports.outbound import Delivery, Transmission
from crossdock.ports.translation import Composition, ControlNumbers

INTERCHANGE, GROUP = "interchange", "group"
"""The kinds of control numbers that a batch takes, on the system's own id as channel."""


class X12Writer:
    """Writes for one system. `partner` is whose X12 it speaks, for deliveries that name none or the system itself."""

    def __init__(self, crosswalk: Crosswalk, system: str, partner: str = "", guides: Guides | None = None) -> None:
        self._crosswalk = crosswalk
        self._system = system
        self._partner = partner
        self._guides = guides or Guides()

    def needs(self, deliveries: Sequence[Delivery]) -> Mapping[tuple[str, str], int]:
        """At the most one interchange a partner, and one group a partner and kind of document."""
        partners = {delivery.partner for delivery in deliveries}
        groups = {(delivery.partner, delivery.document) for delivery in deliveries}
        return {(self._system, INTERCHANGE): len(partners), (self._system, GROUP): len(groups)}

    def compose(self, deliveries: Sequence[Delivery], numbers: ControlNumbers, now: datetime) -> Composition:
        """The interchanges, and what could not be written. One that cannot leaves a gap in
        the control numbers at the most."""
        unwritable: list[tuple[str, str]] = []
        batches: dict[str, Batch] = {}
        for delivery in deliveries:
            try:
                partner = self._partner_of(delivery)
                entry = self._entry(delivery, partner, now)
                batch = batches.get(partner.id)
                if batch is None:
                    batch = batches[partner.id] = Batch(partner)
                batch.entries.append(entry)
            except NotWritable as reason:
                unwritable.append((delivery.id, str(reason)))
        transmissions: list[Transmission] = []
        for batch in batches.values():
            number = wrapped(numbers.next(self._system, INTERCHANGE))
            groups = [wrapped(numbers.next(self._system, GROUP)) for _ in grouped(batch.entries)]
            sealed = batch.written(number, groups, now)
            unwritable += sealed.unwritable
            if sealed.data:
                transmissions.append(_transmission(batch.partner, number, sealed))
        return Composition(transmissions=tuple(transmissions), unwritable=tuple(unwritable))

    def settle(self, delivery: Delivery, control: str, answer: Mapping[str, Any]) -> DocumentSent:
        """The document is out, under these control numbers."""
        return DocumentSent(
            obligation=delivery.id,
            document=delivery.document,
            number=delivery.number,
            control=control,
            told=delivery.told,
        )

    def _partner_of(self, delivery: Delivery) -> Partner:
        partners = self._crosswalk.directory.partners
        partner = partners.get(delivery.partner)
        if partner is None and delivery.partner in ("", self._system):
            partner = partners.get(self._partner)
        if partner is None:
            raise NotWritable(f"the workspace knows no partner {delivery.partner or self._partner or self._system!r}")
        return partner

    def _entry(self, delivery: Delivery, partner: Partner, now: datetime) -> Entry:
        told = SETS.get(delivery.document)
        if told is None:
            raise NotWritable(f"X12 has no word for a {delivery.document}")
        try:
            content = told.decoder.decode(delivery.content)
        except msgspec.DecodeError as error:
            raise NotWritable(f"its content is no {delivery.document}: {error}") from None
        if told.set_id == "TA1":
            return Entry(delivery.id, "", "TA1", content.segments)
        try:
            guide = self._guides.find(partner, told.set_id, partner.x12.version)
        except GuideError as error:
            raise NotWritable(f"the overlay for {told.set_id} cannot be used: {error}") from None
        if guide is None:
            raise NotWritable(f"there is no guide for transaction set {told.set_id}")
        if told.prepared:
            segments = [list(segment) for segment in content.segments if segment[0] not in ("ST", "SE")]
        else:
            try:
                segments = write(in_their_words(self._crosswalk, partner, content), guide, Context(moment=now))
            except CannotWrite as error:
                raise NotWritable(str(error)) from None
        return Entry(delivery.id, guide.group, told.set_id, segments, guide)


def _transmission(partner: Partner, number: int, sealed: Sealed) -> Transmission:
    return Transmission(
        name=f"{partner.id}-{number:09d}.edi",
        data=sealed.data,
        deliveries=tuple(sealed.control),
        content_type="application/edi-x12",
        control=sealed.control,
    )
