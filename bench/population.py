"""Orders by the hundred thousand, put into a database by set-based statements: what the read models look like after years of trade, without the years.

Nineteen in twenty orders are complete, one in a hundred is cancelled, the others stand somewhere on the road. Each has its names, obligations, a delivery and a message; the
last hour has attempts, exceptions open and close. States are as large as real ones and hold nothing: what reads them is not asked here. Facts are not made:
the pages that are measured ask for none but by their place.

Of stock there is one item to twenty orders at two sites, and the example's tea, in which everybody trades; key figures go as far back as the orders do.
"""

from typing import Any

PARTNERS = ("acme", "blue", "corner", "delta", "echo", "field", "grand", "harbor")

SITES = ("COLUMBUS", "RENO")
BUSY = "NW-1001"
"""The item that one movement in fifty is of."""

# $1: the first number, $2: the last, $3: lanes, $4: how many there will be. In each statement n is an order's number and k its key; `c` is from 0 to 99.
_ORDERS = """
    SELECT n, 'SO-' || lpad(n::text, 9, '0') AS k, (crc32(convert_to('SO-' || lpad(n::text, 9, '0'), 'UTF8')) % $3)::int AS lane, n * 7919 % 100 AS c,
           (ARRAY['{partners}'])[1 + n % {many}] AS partner, now() - make_interval(secs => ($4::bigint - n) * 31.5) AS at
      FROM generate_series($1::bigint, $2::bigint) AS n
""".format(partners="','".join(PARTNERS), many=len(PARTNERS))

STATEMENTS = (
    f"""
    INSERT INTO processes (lane, key, process, state, known, positions, milestone, summary, wake_at, created_at, updated_at)
    SELECT lane, k, 'order_to_cash', decode(repeat('5a', 900), 'hex'), decode(repeat('5a', 300), 'hex'), '{{}}',
           CASE WHEN c < 95 THEN 'complete' WHEN c < 96 THEN 'cancelled'
                ELSE (ARRAY['received', 'accepted', 'in-erp', 'released', 'partly-shipped', 'shipped', 'invoiced'])[1 + n % 7] END,
           json_build_object('customer', partner, 'purchase_order', 'PO' || (4000000000 + n), 'currency', 'USD',
                             'total', (100 + n % 9000)::text, 'invoiced', '0',
                             'lines', json_build_object('1', json_build_object('item', 'NW-1001', 'ordered', '10', 'accepted', '10', 'released', '10', 'shipped', '10',
                                                                                'invoiced', '0', 'cancelled', '0', 'backordered', '0'))),
           NULL, at, at + interval '6 hours'
      FROM ({_ORDERS}) o
    """,
    f"""
    INSERT INTO names (value, kind, key, lane)
    SELECT value, kind, k, lane FROM ({_ORDERS}) o
     CROSS JOIN LATERAL (VALUES (k, 'order'), ('PO' || (4000000000 + n), 'purchase-order'), (partner, 'customer'), ('SHP-' || k || '-1', 'shipment'),
                                ('1Z' || (999990000000 + n * 13), 'tracking'), ('INV-' || (100000 + n), 'invoice')) AS v (value, kind)
    """,
    f"""
    INSERT INTO obligations (lane, id, key, kind, debtor, creditor, status, due_at, blocked_by, evidence, subject, amount, opened_at, updated_at)
    SELECT lane, k || '/' || kind, k, split_part(kind, '/', 1), debtor, CASE creditor WHEN 'partner' THEN partner ELSE creditor END,
           CASE WHEN c < 96 THEN 'met' WHEN n % 3 = 0 THEN 'blocked' WHEN debtor = 'us' THEN 'ready' ELSE 'waiting' END,
           at + interval '1 day', '{{}}', '{{}}', '', 100 + n % 9000, at, at
      FROM ({_ORDERS}) o
     CROSS JOIN (VALUES ('acknowledge', 'us', 'partner'), ('create-in-erp', 'us', 'erp'),
                        ('confirm-shipment/1', 'quick3pl', 'us'), ('invoice/1', 'us', 'partner')) AS v (kind, debtor, creditor)
    """,
    f"""
    INSERT INTO exceptions (lane, id, key, category, cause, detail, action, subject, obligations, amount, opened_at, closed_at)
    SELECT lane, k || '/price-mismatch/1', k, CASE WHEN n % 7 = 0 THEN 'transport' ELSE 'business' END,
           (ARRAY['price-mismatch', 'unknown-item', 'short-shipped', 'overdue'])[1 + n % 4],
           'line 1: 4.12 is said, 3.75 agreed', 'approve it, or cancel the line', '1', '{{}}', n % 5000, at, CASE WHEN c < 99 THEN at + interval '1 hour' END
      FROM ({_ORDERS}) o WHERE c >= 80
    """,
    "INSERT INTO exception_intervals (lane, id, opened_at, closed_at) SELECT lane, id, opened_at, closed_at FROM exceptions ON CONFLICT DO NOTHING",
    f"""
    INSERT INTO messages (direction, channel, source_id, sha256, data, name, received_at, status)
    SELECT 'in', partner, 'm' || n, decode(md5(n::text) || md5(k), 'hex'), decode(repeat('41', 300), 'hex'), '850-' || n, at,
           CASE WHEN c = 99 AND n % 50 = 0 THEN 'held' ELSE 'read' END
      FROM ({_ORDERS}) o
    """,
    f"""
    INSERT INTO deliveries (lane, id, key, system, document, partner, ordering_key, content, number, told, status, due_at, created_at)
    SELECT lane, k || '/create-in-erp', k, 'erp', 'sales-order', partner, '', decode(repeat('7b', 200), 'hex'), '', '',
           CASE WHEN c < 96 THEN 'accepted' WHEN n % 40 = 0 THEN 'dead' WHEN n % 2 = 0 THEN 'queued' ELSE 'accepted' END, at, at
      FROM ({_ORDERS}) o
    """,
    f"""
    INSERT INTO attempts (lane, delivery, attempt, kind, started_at, ended_at, outcome, status, detail)
    SELECT lane, k || '/create-in-erp', 1, 'send', at, at + interval '120 milliseconds', 'accepted', '200', '' FROM ({_ORDERS}) o
    """,
)
"""One after the other; each takes the first number, the last, how many lanes there are and how many orders there will be (but the one that follows from the exceptions)."""

_ITEM = f"CASE WHEN n % 50 = 0 THEN '{BUSY}' ELSE 'SKU-' || lpad((n / 20)::text, 7, '0') END"
_SITE = "(ARRAY['{}'])[1 + n % {}]".format("','".join(SITES), len(SITES))
# Of what is ordered and not shipped, one order in a thousand of all there have been is for the busy item.
_WANTED = f"CASE WHEN n % 1000 = 21 THEN '{BUSY}' ELSE 'SKU-' || lpad((n / 20)::text, 7, '0') END"
# $1: how many orders there are.
_OPEN = (
    "SELECT n, 'SO-' || lpad(n::text, 9, '0') AS k, now() - make_interval(secs => ($1::bigint - n) * 31.5) AS at"
    " FROM generate_series(1, $1::bigint) AS n WHERE n * 7919 % 100 >= 96"
)

STOCK = (
    f"""
    INSERT INTO movements (source, source_id, kind, item, site, to_site, origin, destination, quantity, lot, owner, entity, occurred_at, recorded_at, stream, reason,
                           reference, line)
    SELECT 'quick3pl', 'M' || n, CASE WHEN n % 4 = 0 THEN 'receipt' ELSE 'ship' END, {_ITEM}, {_SITE}, '',
           CASE WHEN n % 4 = 0 THEN 'supplier' ELSE 'storage' END, CASE WHEN n % 4 = 0 THEN 'storage' ELSE 'customer' END, 1 + n % 12, '', 'own', '',
           now() - make_interval(secs => ($1::bigint - n) * 31.5), now(), '', '', 'SO-' || lpad(n::text, 9, '0'), '1'
      FROM generate_series(1, $1::bigint) AS n
    """,
    f"""
    INSERT INTO stock (item, site, storage, allocated, reserved, changed_at)
    SELECT DISTINCT ON (1, 2) {_ITEM}, {_SITE}, 100000 + n % 900, n % 7, n % 40, now() FROM generate_series(1, $1::bigint) AS n
    """,
    f"""
    INSERT INTO demands (key, line, item, wanted, reserved, terms, priority, asked_at, revision)
    SELECT k, '1', {_WANTED}, 10, CASE WHEN n % 3 = 0 THEN 4 ELSE 10 END,
           json_build_object('key', k, 'line', '1', 'item', {_WANTED}, 'quantity', '10', 'sites', json_build_array({_SITE}), 'asked_at', at), 100, at, n
      FROM ({_OPEN}) o
    """,
    f"INSERT INTO reservations (key, line, item, site, quantity) SELECT k, '1', {_WANTED}, {_SITE}, CASE WHEN n % 3 = 0 THEN 4 ELSE 10 END FROM ({_OPEN}) o",
    f"""
    INSERT INTO expected_receipts (source, source_id, line, kind, item, site, quantity, due_on)
    SELECT 'erp', 'PO' || n, '1', 'purchase-order', {_ITEM}, {_SITE}, 500, (now() + make_interval(days => (n % 60)::int))::date
      FROM generate_series(10, $1::bigint, 10) AS n WHERE n % 50 <> 0 OR n % 2000 = 0
    """,
    # Of every member of every cut, day by day: durations over ten buckets, shares in one.
    f"""
    INSERT INTO figures (cut, kpi, member, day, bucket, cases, total)
    SELECT m.cut, k.kpi, m.member, d.day, b.bucket, 1 + (b.bucket + length(m.member)) % 9, (1 + b.bucket % 9) * CASE WHEN b.bucket = 0 THEN 1 ELSE 2 ^ (b.bucket / 4.0) END
      FROM (SELECT 'all' AS cut, '' AS member
            UNION ALL SELECT 'partner', unnest(ARRAY['{"','".join(PARTNERS)}'])
            UNION ALL SELECT 'site', unnest(ARRAY['{"','".join(SITES)}'])
            UNION ALL SELECT 'channel', unnest(ARRAY['{"','".join(PARTNERS)}', 'quick3pl', 'erp'])) m
     CROSS JOIN (SELECT unnest(enum_range(NULL::kpi)) AS kpi) k
     CROSS JOIN (SELECT (now() - make_interval(secs => n * 86400))::date AS day FROM generate_series(0, least(366, greatest(60, $1::bigint * 31.5 / 86400)::int)) AS n) d
     CROSS JOIN LATERAL (SELECT generate_series(80, 107, 3) AS bucket WHERE k.kpi <= 'sync-out' UNION ALL SELECT 0 WHERE k.kpi > 'sync-out') b
     WHERE m.cut IN ('all', 'channel') OR k.kpi NOT IN ('sync-in', 'sync-out')
    """,
)
"""The books of stock and the key figures; each takes how many orders there are."""

TABLES = (
    "processes",
    "names",
    "obligations",
    "exceptions",
    "exception_intervals",
    "messages",
    "deliveries",
    "attempts",
    "movements",
    "stock",
    "demands",
    "reservations",
    "expected_receipts",
    "figures",
)
"""What grows with every order: no page may read one of these from end to end."""


async def populate(connection: Any, orders: int, lanes: int, step: int = 100_000) -> None:
    """Fills an empty database with so many orders, `step` at a time, and has the planner look at what has become of it."""
    await connection.execute("SET synchronous_commit = off")
    for first in range(1, orders + 1, step):
        last = min(orders, first + step - 1)
        for statement in STATEMENTS:
            if "$1" in statement:
                await connection.execute(statement, first, last, lanes, orders, timeout=3600)
    await connection.execute(STATEMENTS[4], timeout=3600)
    for statement in STOCK:
        await connection.execute(statement, orders, timeout=3600)
    # Whoever reads for the first time after a load of this size would do this, page by page.
    await connection.execute("VACUUM (ANALYZE)", timeout=3600)
