"""What we owe the sender of an interchange for having sent it: a 997 a group, and a TA1 where one is wanted."""

from collections.abc import Sequence

from crossdock.crosswalk.directory import Partner
from crossdock.edi.findings import Code, Finding, errors
from crossdock.edi.x12.acknowledge import acknowledge_group, technical_acknowledgement
from crossdock.edi.x12.envelope import Group, Interchange
from crossdock.facts.interchange import InterchangeReceived, ReceivedGroup
from crossdock.ports.translation import Message

STATUS = {"A": "accepted", "E": "accepted-with-errors", "P": "partially-accepted", "R": "rejected"}
ACKNOWLEDGEMENT_GROUP = "FA"


class Receipt:
    """Gathers what is to be said of one interchange. findings: those about its envelopes, of groups as well. asked: its
    sender asks for a TA1.

    refused: why nothing of it is read, as the TA1 says; an interchange that stands twice in one file is not refused
    for that, because reading it again tells nothing new.
    """

    def __init__(self, interchange: Interchange, partner: Partner, findings: Sequence[Finding], *, asked: bool) -> None:
        self._interchange = interchange
        self._partner = partner
        self._wanted = asked or partner.x12.acknowledge_ta1
        self._groups: list[ReceivedGroup] = []
        self._ta1: list[str] = []
        self.refused: list[Finding] = []
        if findings or self._wanted:
            judged = [finding for finding in findings if finding.code is not Code.DUPLICATE_INTERCHANGE]
            self._ta1 = technical_acknowledgement(interchange, judged) or []
            if self._ta1 and self._ta1[4] == "R":
                self.refused = errors(judged)

    def group(self, group: Group, gs: Sequence[str], findings: Sequence[Finding], rejected: Sequence[str]) -> None:
        """A group has been read. gs: its header's elements. findings: all that lie in it. rejected: its transaction
        sets that were not taken, in words.
        """
        segments: list[tuple[str, ...]] = []
        status = "A"
        draft = acknowledge_group(group, findings, "0001")
        if draft is not None:
            segments = [_plain(segment) for segment in draft.segments]
            status = segments[-1][1]
        self._groups.append(
            ReceivedGroup(
                functional_id=gs[1],
                control_number=gs[6],
                status=STATUS[status],
                transactions=group.transaction_count,
                acknowledgement=tuple(segments) if self._partner.x12.functional_acks else (),
                rejected=tuple(rejected),
            )
        )

    def fact(
        self, message: Message, version: int, sender: str, receiver: str, control_number: str
    ) -> InterchangeReceived | None:
        """The fact that it was read; None where it holds acknowledgements alone, for those are answers and owe none."""
        interchange = self._interchange
        ta1 = tuple(self._ta1) if self._wanted else ()
        if not ta1 and all(group.functional_id == ACKNOWLEDGEMENT_GROUP for group in self._groups):
            return None
        return InterchangeReceived(
            channel=message.channel,
            partner=self._partner.id,
            sender=sender,
            receiver=receiver,
            control_number=control_number,
            workspace_version=version,
            version=interchange.version,
            groups=tuple(self._groups),
            ta1=ta1,
        )


def _plain(segment: Sequence[str | Sequence[str]]) -> tuple[str, ...]:
    # An AK4 that names a component is told by its element alone: how components are separated is not known here.
    return tuple([element if type(element) is str else element[0] for element in segment])
