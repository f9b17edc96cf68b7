"""What a workspace may say, declared once: the tables of its TOML files, the columns of its CSV files, and what they load into.

The declarations feed the validator (`shape`), the reference (`describe`) and the words of every problem. Where a table is another
room's value (`Clocks`, `Pace`, `X12Profile`, `Agreement`), its types and defaults come from there and only the words stand here.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from crossdock.crosswalk.directory import Directory, Identity, MovementTerms, X12Profile
from crossdock.policy.access import ApiTerms, OidcTerms
from crossdock.policy.agreement import Agreement, Clocks, StockTerms
from crossdock.policy.stock import Allocation, Channel, Schedule, StaleRule, StockOwner, StockPolicy
from crossdock.policy.telling import EventTerms
from crossdock.ports.outbound import Pace
from crossdock.ports.system import System

FORMAT = 1
"""The present format of workspaces."""

OURS_ELSEWHERE = (
    "partner",
    "version",
    "name",
    "currency",
    "channel",
    "functional_acks",
    "warehouse_functional_acks",
    "clocks",
    "stock",
)
"""Fields of Agreement that a partner's file says outside of its [policy] table, or that other partners' files say."""


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the tables."""


class Defaults(Described, frozen=True):
    """What holds for every partner that does not say otherwise."""

    warehouse: Annotated[
        str, Meta(description="The system (role warehouse) that ships when no routing rule matches.")
    ] = ""
    site: Annotated[str, Meta(description="Its site, of sites.csv.")] = ""
    x12: Annotated[dict[str, Any], Meta(description="Keys as in a partner's [x12].")] = {}
    clocks: Annotated[dict[str, Any], Meta(description="Keys as in a partner's [clocks].")] = {}
    policy: Annotated[dict[str, Any], Meta(description="Keys as in a partner's [policy].")] = {}


class StockTable(Described, frozen=True):
    """How stock is kept. Left out, none is: orders are promised without asking for it, and no channel is told anything."""

    allocation: Annotated[
        Allocation, Meta(description="Who is served when there is not enough for all that want it on the same day.")
    ] = "priority"
    soft_hours: Annotated[
        float | None,
        Meta(
            description="A reservation that was not released to the warehouse by then is given back; never if left out."
        ),
    ] = None
    horizon_days: Annotated[int, Meta(description="How many days ahead ATP looks.", ge=180, le=3650)] = 180
    buffer: Annotated[
        Decimal,
        Meta(description="Units of each item and site that are never promised, where items.csv gives no `safety`."),
    ] = Decimal(0)
    receipts_late_days: Annotated[
        int, Meta(description="An expected receipt that is later than that is not counted on.", ge=0, le=3650)
    ] = 7
    negative_at: Annotated[
        tuple[str, ...], Meta(description="Sites, of sites.csv, whose balances may fall below nothing.")
    ] = ()
    split: Annotated[bool, Meta(description="A line of an order may come from several sites.")] = False
    release: Annotated[
        Literal["as-available", "when-complete"],
        Meta(description="What is there goes out at once, or an order waits until it is complete."),
    ] = "as-available"
    short_pick: Annotated[
        Literal["hold", "trust"],
        Meta(description="What could not be picked is on hold until it is counted, or the books are trusted."),
    ] = "hold"
    repair_free: Annotated[
        Decimal,
        Meta(description="Repairs of the books worth at most this are made together (`reconcile repair --free`)."),
    ] = Decimal(0)
    repair_limit: Annotated[
        Decimal | None, Meta(description="A repair worth more than this is not made at all; left out: no limit.")
    ] = None
    repair_units: Annotated[
        Decimal | None, Meta(description="Nor is one of more units than this; left out: no limit.")
    ] = None
    reconcile: Annotated[Schedule, Meta(description="When the books are held against the warehouses'.")] = Schedule()
    grace_minutes: Annotated[float, Meta(description="A difference younger than that may be a movement under way.")] = (
        60
    )
    patience_hours: Annotated[
        float, Meta(description="So long a missing message is waited for before what it left is drift.")
    ] = 24
    look_back_days: Annotated[
        int, Meta(description="So far back causes are looked for when no comparison came before.", ge=1, le=3650)
    ] = 14
    silent_after_minutes: Annotated[
        float | None, Meta(description='A system that tells stock and was not heard for so long is stale; or "never".')
    ] = 60
    owners: Annotated[
        tuple[StockOwner, ...], Meta(description="Which system is of record for which state of stock.")
    ] = ()


class ChannelFile(Described, frozen=True):
    """`channels/NAME.toml`: what one channel is told of our stock. NAME is its id."""

    system: Annotated[str, Meta(description="The system that it goes to.", min_length=1)]
    format: Annotated[
        Literal["x12", "json", ""],
        Meta(description="x12 for an 846, json by the system's map; empty: what the system speaks."),
    ] = ""
    partner: Annotated[str, Meta(description="Whose 846 it is; empty: the system's partner.")] = ""
    name: Annotated[str, Meta(description="What people call it.")] = ""
    sites: Annotated[tuple[str, ...], Meta(description="Of which sites; empty: of all whose stock is kept.")] = ()
    items: Annotated[tuple[str, ...], Meta(description="Of which items; empty, and without `items_csv`: of all.")] = ()
    items_csv: Annotated[str, Meta(description="A file beside this one that lists them, in a column `item`.")] = ""
    share_percent: Annotated[Decimal, Meta(description="How much of what is available is offered, per hundred.")] = (
        Decimal(100)
    )
    buffer: Annotated[Decimal, Meta(description="Units kept back of each item and site.")] = Decimal(0)
    buffer_percent: Annotated[
        Decimal,
        Meta(description="The same per hundred of what is available; both are kept back, and the item's safety."),
    ] = Decimal(0)
    cap: Annotated[Decimal | None, Meta(description="Never more than this.")] = None
    minimum: Annotated[Decimal, Meta(description="Less than this is told as nothing.")] = Decimal(0)
    delta_seconds: Annotated[float, Meta(description="Changes are gathered for so long before they are told.")] = 5
    snapshot: Annotated[Schedule, Meta(description="When everything is told anew.")] = Schedule(every_hours=24)
    late_minutes: Annotated[float, Meta(description="An offer not delivered by then is an exception.")] = 15
    receipts: Annotated[bool, Meta(description="Tell when more is expected, and how much.")] = True
    lines: Annotated[int, Meta(description="Lines in one document at the most.", ge=1, le=100000)] = 5000
    stale: Annotated[
        tuple[StaleRule, ...], Meta(description="What is done when a source is silent; left out: nothing.")
    ] = ()


class CompanyFile(Described, frozen=True):
    """`crossdock.toml`: who we are, and what holds everywhere."""

    format: Annotated[Literal[1], Meta(description="The workspace's format: 1.")]
    company: Annotated[str, Meta(description="Our name.", min_length=1)]
    currency: Annotated[str, Meta(description="ISO 4217 code of the currency we trade in.", pattern="^[A-Z]{3}$")] = (
        "USD"
    )
    lanes: Annotated[
        int,
        Meta(
            description="Into how many lanes the log is divided when the database is set up; fixed from then on.",
            ge=1,
            le=4096,
        ),
    ] = 32
    identities: Annotated[
        tuple[Identity, ...],
        Meta(description="Our own interchange identities; the first is used where a partner names none."),
    ] = ()
    defaults: Annotated[Defaults, Meta(description="What holds for every partner that does not say otherwise.")] = (
        Defaults()
    )
    stock: Annotated[StockTable | None, Meta(description="How stock is kept; left out: it is not.")] = None
    api: Annotated[ApiTerms, Meta(description="What holds for callers of the HTTP API.")] = ApiTerms()
    events: Annotated[EventTerms, Meta(description="What holds for events that others are told.")] = EventTerms()


class SystemFile(Described, frozen=True):
    """`systems/NAME.toml`: one connected system. NAME is its id, and its channel's."""

    role: Annotated[
        Literal["partner", "warehouse", "erp", "tax", "other"],
        Meta(description="What it is to us. partner: a customer's mailbox."),
    ]
    connector: Annotated[str, Meta(description="How it is reached: folder, http or webhook.")]
    name: Annotated[str, Meta(description="What people call it.")] = ""
    format: Annotated[
        Literal["x12", "json", "csv", ""], Meta(description="What it speaks; empty: x12 in a folder, json elsewhere.")
    ] = ""
    partner: Annotated[str, Meta(description="Whose X12 it speaks: the name of a file in partners/.")] = ""
    settings: Annotated[
        dict[str, Any],
        Meta(description='The connector\'s own table. Secrets only as { env = "NAME" } or { file = "path" }.'),
    ] = {}
    pace: Annotated[Pace, Meta(description="How it wants to be treated.")] = Pace()


class PartnerFile(Described, frozen=True):
    """`partners/NAME.toml`: a customer or a third-party warehouse. NAME is its id."""

    role: Annotated[Literal["customer", "warehouse"], Meta(description="What it is to us.")]
    name: Annotated[str, Meta(description="What people call it.")] = ""
    channel: Annotated[
        str, Meta(description="The system that its documents go to; empty: the one system that names this partner.")
    ] = ""
    currency: Annotated[str, Meta(description="ISO 4217 code; empty: ours.", pattern="^([A-Z]{3})?$")] = ""
    price_list: Annotated[str, Meta(description="The price list, of prices.csv, that is agreed with it.")] = ""
    them: Annotated[tuple[Identity, ...], Meta(description="Its interchange identities.")] = ()
    us: Annotated[
        Identity | None,
        Meta(description="Our identity towards it; left out: the first of [[identities]] in crossdock.toml."),
    ] = None
    item_qualifiers: Annotated[
        tuple[str, ...],
        Meta(
            description="In which order its item references are trusted. Known: seller-item, buyer-item, gtin-12, gtin-13, gtin-14, manufacturer-part, sku."
        ),
    ] = ("seller-item", "gtin-12", "gtin-13", "gtin-14", "buyer-item")
    x12: Annotated[dict[str, Any], Meta(description="How it writes and wants to be written to.")] = {}
    units: Annotated[dict[str, str], Meta(description="Its unit codes to ours, where they differ.")] = {}
    locations: Annotated[dict[str, str], Meta(description="Its location codes to our sites or addresses.")] = {}
    clocks: Annotated[
        dict[str, Any], Meta(description='How long each thing may take; "never" for a clock that does not run.')
    ] = {}
    policy: Annotated[dict[str, Any], Meta(description="What is agreed.")] = {}
    stock: Annotated[
        dict[str, Any],
        Meta(description="How its orders are promised, where it differs from [stock] in crossdock.toml."),
    ] = {}
    movements: Annotated[dict[str, Any], Meta(description="How a warehouse tells of stock.")] = {}


WORDS: Mapping[type, Mapping[str, str]] = {
    Identity: {
        "qualifier": "ISA05 or ISA07, e.g. ZZ, 01 or 12.",
        "id": "ISA06 or ISA08, without padding.",
        "group_id": "GS02 or GS03; empty: the same as id.",
    },
    X12Profile: {
        "version": "GS08 without its suffix: 004010 or 005010.",
        "element_separator": "One character.",
        "component_separator": "One character.",
        "segment_terminator": "One character.",
        "repetition_separator": "One character; empty below 004020.",
        "line_break": 'What follows a segment terminator: empty, "\\n" or "\\r\\n".',
        "usage": "P or T (ISA15), for what we send and what we expect.",
        "replace": "Stands in for a character that collides with a delimiter; empty: the document is refused instead.",
        "acknowledge_ta1": "Send a TA1 for each interchange.",
        "functional_acks": "Send and expect 997s.",
        "overlays": 'By transaction set ("850"), what differs from the guide.',
    },
    Clocks: {
        "acknowledge_hours": "From the order's arrival to our 855.",
        "functional_ack_hours": "From our document to their 997.",
        "functional_ack_from_us_hours": "From their document to our 997.",
        "credit_minutes": "For the ERP's answer to the credit check.",
        "erp_minutes": "For the order to be in the ERP.",
        "release_minutes": "From ready to release to the 940.",
        "confirm_shipment_hours": "From the 940 to the warehouse's 945.",
        "confirm_receipt_hours": "From the end of the day on which goods are expected to the warehouse's 944.",
        "ship_notice_minutes": "From the 945 to our 856.",
        "posting_minutes": "From the 945 to the posting in the ERP.",
        "tax_minutes": "For the tax service's answer.",
        "invoice_hours": "From the 945 to our 810.",
    },
    Pace: {
        "concurrency": "Transmissions under way at once, over all workers of one process.",
        "rate_per_second": "Token bucket; left out: no limit.",
        "burst": "The bucket's size.",
        "timeout_seconds": "Per attempt.",
        "first_retry_seconds": "Pause before the second attempt.",
        "factor": "By which each pause is longer than the one before.",
        "longest_retry_seconds": "No pause is longer.",
        "jitter": "Share of a pause left to chance, 0 to 1.",
        "attempts": "After so many, the delivery is a dead letter.",
        "breaker_failures": "So many in a row open the circuit.",
        "breaker_seconds": "How long it stays open before one probe.",
        "ordered": "Effects of one ordering key go one after the other.",
        "batch": "Deliveries per transmission at the most.",
        "resend_is_safe": "It honours our idempotency key, so an unknown outcome may simply be sent again.",
    },
    Agreement: {
        "erp": "The system that keeps its orders; empty: none, the step is left out.",
        "tax": "The system that tells the tax; empty: none.",
        "credit_check": "Ask the ERP before accepting an order.",
        "price_tolerance_percent": "How far the customer's price may be from the agreed one, per hundred.",
        "price_tolerance_amount": "The same, per unit; either suffices.",
        "short": "What becomes of what the warehouse could not ship.",
        "over_tolerance_percent": "Shipped above ordered by at most this is accepted and billed.",
        "substitution": "A substitute that the item lists may be shipped.",
        "acknowledge": "It wants 855s.",
        "ship_notice": "It wants 856s.",
        "invoice": "It wants 810s.",
        "changes_until": "The milestone after which a change is an exception.",
        "billing": "The checkpoints of the billing gate.",
        "release_lead_days": "How many days before the ship window opens the warehouse gets its 940; left out: at once.",
        "terms_net_days": "Payment terms, from the invoice date.",
        "terms_discount_percent": "Discount for early payment.",
        "terms_discount_days": "Until when it holds.",
    },
    MovementTerms: {
        "site": "Of documents that name none.",
        "zone": "The time zone of the dates and times that it writes, e.g. America/Chicago.",
        "reasons": "Its code of an adjustment's reason (947) to adjust, hold, damage, release, recover, scrap or ignore.",
        "conditions": "How goods came in (944) to the place where they stand: storage, quarantine, damaged; empty: where they would stand anyway.",
        "statuses": "A level (846) to the place whose balance it is: storage, damaged, quarantine, ...; empty: none.",
        "besides": "What came in badly is not part of the quantity received.",
        "sequences": 'By document ("947"), a regular expression whose one group is the number that it counts its documents by.',
    },
    StockTerms: {
        "split": "A line may come from several sites.",
        "priority": "Lower is served first when there is not enough.",
        "release": "What is there goes out at once, or an order waits until it is complete.",
        "soft_hours": "A reservation that was not released by then is given back.",
        "short_pick": "What could not be picked is on hold until it is counted, or the books are trusted.",
    },
    Schedule: {
        "every_hours": "Every so many hours, counted from midnight UTC.",
        "at": 'Or at these times of the day: ["02:00", "14:00"].',
        "zone": "The time zone of these times, e.g. America/New_York.",
    },
    StockOwner: {
        "state": "The state of stock.",
        "system": "A file in systems/.",
        "site": "Of sites.csv; empty: every site without a rule of its own.",
        "since": "From the beginning of this day (UTC) on; left out: from ever.",
    },
    ApiTerms: {
        "rate_per_second": "How often one client may ask of each server by itself, on the average.",
        "burst": "So many at once before that.",
        "requests_per_day": "And so many a day (UTC), over all servers; 0: no quota.",
        "oidc": "The identity provider whose bearer tokens are taken; left out: API keys alone.",
    },
    OidcTerms: {
        "issuer": "As in the token's `iss`; its discovery document is below it. https, or http on this machine.",
        "audience": "One of those in the token's `aud`.",
        "jwks_url": "Where its keys are; empty: as its discovery document says.",
        "algorithms": "Signatures that are taken, and no other.",
        "role_claim": "The claim that names roles; a dot for each level: realm_access.roles.",
        "roles": "Its values to our roles; of several the first of this table counts. A token with none opens nothing.",
        "partner_claim": "The claim that names the partner (a file in partners/) of whoever has the role partner.",
        "name_claim": "The claim that people are called by.",
        "leeway_seconds": "By how much its clock and ours may differ.",
        "client_id": "Which of its clients the dashboard is; empty: the one in CROSSDOCK_OIDC_CLIENT_ID, and without that nobody is sent to it.",
        "client_secret": 'Where that client\'s secret is: { env = "NAME" } or { file = "path" }; left out for a public client.',
        "display_name": "What the button of the dashboard's door says after *Continue with*.",
    },
    EventTerms: {
        "kept_days": "Events announced longer ago are swept, with what was sent of them; one that is still to be sent to a webhook is not. A consumer that comes later is told so.",
    },
    StaleRule: {
        "source": "The system that tells stock; empty: any.",
        "after_minutes": "So long without a word from it.",
        "action": "A wider buffer, zero for its sites, or not a word about its sites until it is back.",
        "factor": "By which the buffer is widened.",
    },
}
"""What each field of another room's value means in a workspace."""


def _policy() -> type[msgspec.Struct]:
    fields = [(f.name, f.type, f.default) for f in msgspec.structs.fields(Agreement) if f.name not in OURS_ELSEWHERE]
    return msgspec.defstruct("Policy", fields, frozen=True, kw_only=True)


Policy = _policy()
"""A partner's [policy] table: the fields of Agreement that its file does not say elsewhere."""

PartnerStock = msgspec.defstruct(
    "PartnerStock",
    [(f.name, f.type, f.default) for f in msgspec.structs.fields(StockTerms) if f.name != "sites"],
    frozen=True,
    kw_only=True,
)
"""A partner's [stock] table: the fields of StockTerms that sites.csv does not say."""

TABLES: tuple[tuple[str, type, str], ...] = (
    ("crossdock.toml", CompanyFile, ""),
    ("crossdock.toml", Defaults, "defaults"),
    ("crossdock.toml", Identity, "identities"),
    ("crossdock.toml", StockTable, "stock"),
    ("crossdock.toml", Schedule, "stock.reconcile"),
    ("crossdock.toml", StockOwner, "stock.owners"),
    ("crossdock.toml", ApiTerms, "api"),
    ("crossdock.toml", OidcTerms, "api.oidc"),
    ("crossdock.toml", EventTerms, "events"),
    ("systems/NAME.toml", SystemFile, ""),
    ("systems/NAME.toml", Pace, "pace"),
    ("partners/NAME.toml", PartnerFile, ""),
    ("partners/NAME.toml", Identity, "them"),
    ("partners/NAME.toml", X12Profile, "x12"),
    ("partners/NAME.toml", Clocks, "clocks"),
    ("partners/NAME.toml", Policy, "policy"),
    ("partners/NAME.toml", PartnerStock, "stock"),
    ("partners/NAME.toml", MovementTerms, "movements"),
    ("channels/NAME.toml", ChannelFile, ""),
    ("channels/NAME.toml", Schedule, "snapshot"),
    ("channels/NAME.toml", StaleRule, "stale"),
)
"""Every table: (file, what declares it, its key)."""


class SourceFile(msgspec.Struct, frozen=True, order=True):
    """A file of the workspace, relative to it, and the SHA-256 of its bytes in hexadecimal."""

    name: str
    digest: str


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """Who we are."""

    name: str
    currency: str = "USD"
    lanes: int = 32
    identities: tuple[Identity, ...] = ()
    api: ApiTerms = ApiTerms()
    events: EventTerms = EventTerms()


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a workspace, whole. Before it is stored its version is 0.

    stock: how it is kept, None where it is not. channels: what each is told of it.
    systems: as declared, `${NAME:-default}`, relative paths and references to secrets and all, so that a version is the same on every machine;
    `crossdock.workspace.connected` gives them as they are on this one.
    """

    company: Company
    directory: Directory
    agreements: Mapping[str, Agreement]
    systems: Mapping[str, System]
    stock: StockPolicy | None = None
    channels: Mapping[str, Channel] = {}
    sources: tuple[SourceFile, ...] = ()

    @property
    def version(self) -> int:
        """The number under which the database keeps it; 0: not stored."""
        return self.directory.version

    def at(self, version: int) -> "Loaded":
        """The same under a version number, as every order keeps the number of what it was taken under."""
        return msgspec.structs.replace(
            self,
            directory=msgspec.structs.replace(self.directory, version=version),
            agreements={k: msgspec.structs.replace(a, version=version) for k, a in self.agreements.items()},
        )
