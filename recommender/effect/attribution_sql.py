"""The statement that counts what came of lists in some days of a catalog.

What an event is owed to: the answer of its `rec_id`, where the log has it, it is of the catalog and
listed the product; else, of a click, cart or purchase, the last touch: what showed the user the
product last, or was clicked, within the catalog's time. Of one answer a product is seen once and
clicked once, however many events say so.
"""

from psycopg import sql

from recommender.history import exclusion

# How long after its answer a rec_id counts, and the longest last touch.
SPAN_DAYS = 7
# The time in an id of version 7: its first 48 bits are milliseconds since 1970.
_MADE_AT = """('epoch'::timestamptz + interval '1 millisecond'
    * ('x' || translate(left({}::text, 13), '-', ''))::bit(48)::bigint)"""

# The first item of an answer `r` that is a product, by one of its ids: those merged into it were
# shown as themselves.
_ITEM = """
    SELECT i.value->>1 AS source FROM jsonb_array_elements(r.items) i
    WHERE i.value->>0 = ANY({}) LIMIT 1
"""

# The purchase as money: the price of one, of the event or else of the product, times how many.
MONEY = "COALESCE(e.value, p.price, 0) * COALESCE(e.quantity, 1)"

# A view with a rec_id came by a link of the list, and is a click; without one it says nothing.
_EVENT = """
    SELECT e.id, e.user_id, u.external_id AS "user", e.product_id,
           array_prepend(p.external_id::text, ARRAY(
               SELECT n.external_id::text FROM recommender_productmerge m
               JOIN recommender_product n ON n.id = m.product_id WHERE m.kept_id = p.id
           )) AS products,
           CASE e.type WHEN 'view' THEN 'click' ELSE e.type END AS type, e.at, e.rec_id,
           CASE e.type WHEN 'purchase' THEN {money} ELSE 0 END AS money
    FROM recommender_event e
    JOIN recommender_product p ON p.id = e.product_id
    JOIN recommender_user u ON u.id = e.user_id
    WHERE e.catalog_id = %(catalog)s AND {counts}
"""

COUNT = sql.SQL("""
WITH acts AS MATERIALIZED ({event}
      AND e.at >= %(since)s AND e.at < %(until)s
      AND e.type IN ('impression', 'click', 'view', 'add_to_cart', 'purchase')
      AND (e.rec_id IS NOT NULL OR e.type NOT IN ('impression', 'view'))
), named AS MATERIALIZED (
    SELECT a.id, a.at, r.rec_id, r.at AS shown_at, item.source
    FROM acts a
    JOIN recommender_recommendation r ON r.rec_id = a.rec_id AND r.at = {act_made_at}
    CROSS JOIN LATERAL ({item_of_act}) item
    WHERE a.rec_id IS NOT NULL AND r.catalog_id = %(catalog)s
      AND a.at < r.at + %(span)s::interval
), touched AS MATERIALIZED (
    SELECT a.id, r.rec_id, r.at AS shown_at, item.source,
           extract(epoch FROM a.at - touch.at) / 3600 AS age
    FROM acts a CROSS JOIN LATERAL (
        (SELECT l.rec_id, l.at FROM recommender_recommendation l
         WHERE %(by_answer)s AND l.catalog_id = %(catalog)s AND l."user" = a."user"
           AND l.at >= a.at - %(touch)s::interval AND l.at <= a.at
           AND {is_listed}
         ORDER BY l.at DESC LIMIT 1)
        UNION ALL
        (SELECT b.rec_id, b.at FROM recommender_event b
         JOIN recommender_recommendation l ON l.rec_id = b.rec_id AND l.at = {touching_made_at}
         WHERE l.catalog_id = %(catalog)s AND b.at < l.at + %(span)s::interval AND {is_listed}
           AND b.user_id = a.user_id AND b.product_id = a.product_id AND b.rec_id IS NOT NULL
           AND b.type IN ('impression', 'click', 'view')
           AND b.at >= a.at - %(touch)s::interval AND b.at <= a.at
         ORDER BY b.at DESC LIMIT 1)
        ORDER BY at DESC LIMIT 1
    ) touch
    JOIN recommender_recommendation r ON r.rec_id = touch.rec_id AND r.at = {touch_made_at}
    CROSS JOIN LATERAL ({item_of_act}) item
    WHERE %(touch)s::interval > interval '0' AND a.type IN ('click', 'add_to_cart', 'purchase')
      AND NOT EXISTS (SELECT FROM named n WHERE n.id = a.id)
), owed AS MATERIALIZED (
    SELECT a.*, o.answer, o.shown_at, o.source, o.hours
    FROM acts a JOIN (
        SELECT id, rec_id AS answer, shown_at, source, 0 AS hours FROM named
        UNION ALL
        SELECT id, rec_id, shown_at, source,
               CASE WHEN age <= 1 THEN 1 WHEN age <= 6 THEN 6 WHEN age <= 24 THEN 24
                    WHEN age <= 72 THEN 72 ELSE 168 END FROM touched
    ) o USING (id)
), first AS MATERIALIZED (
    -- Once a product and answer, in whichever day it was first.
    SELECT DISTINCT ON (o.answer, o.product_id, o.type) o.*
    FROM owed o
    WHERE o.type IN ('impression', 'click') AND NOT EXISTS (
        SELECT FROM recommender_event b
        WHERE b.user_id = o.user_id AND b.product_id = o.product_id AND b.rec_id = o.answer
          AND CASE b.type WHEN 'view' THEN 'click' ELSE b.type END = o.type
          AND b.at >= o.shown_at - interval '1 day' AND b.at < %(since)s)
    ORDER BY o.answer, o.product_id, o.type, o.hours, o.at
), seen AS (
    SELECT f.answer, f.shown_at, f.product_id, f.source FROM first f
    WHERE f.type = 'impression' AND NOT %(by_answer)s
    UNION ALL
    SELECT r.rec_id, r.at, COALESCE(
        (SELECT m.kept_id FROM recommender_productmerge m WHERE m.product_id = p.id), p.id),
        i.value->>1
    FROM recommender_recommendation r CROSS JOIN LATERAL jsonb_array_elements(r.items) i
    JOIN recommender_product p
      ON p.catalog_id = %(catalog)s AND p.external_id = i.value->>0
    WHERE %(by_answer)s AND r.catalog_id = %(catalog)s AND r.at >= %(since)s AND r.at < %(until)s
      AND NOT EXISTS (
        SELECT FROM recommender_user x WHERE x.catalog_id = %(catalog)s
          AND x.external_id = r."user" AND {excluded})
), parts AS (
    SELECT answer, shown_at, product_id, source, 0 AS hours, 1 AS impressions, 0 AS clicks,
           0 AS carts, 0 AS purchases, 0::float8 AS money FROM seen
    UNION ALL
    SELECT answer, shown_at, product_id, source, hours, 0, 1, 0, 0, 0 FROM first
    WHERE type = 'click'
    UNION ALL
    SELECT answer, shown_at, product_id, source, hours, 0, 0, (type = 'add_to_cart')::int,
           (type = 'purchase')::int, money FROM owed WHERE type IN ('add_to_cart', 'purchase')
), baskets AS (
    -- An order is what a user buys in a day.
    SELECT a.user_id, min(o.hours) AS hours FROM acts a LEFT JOIN owed o USING (id)
    WHERE a.type = 'purchase' GROUP BY a.user_id
)
INSERT INTO recommender_effectfigure (catalog_id, day, operation, placement, placement_version,
    variant, source, product_id, hours, impressions, clicks, carts, purchases, revenue,
    revenue_squares, orders, unknown)
SELECT %(catalog)s, %(day)s, r.operation, r.placement, r.placement_version, r.variant, t.source,
       t.product_id, t.hours, sum(t.impressions), sum(t.clicks), sum(t.carts), sum(t.purchases),
       sum(t.money), sum(t.money * t.money), 0, 0
FROM parts t JOIN recommender_recommendation r ON r.rec_id = t.answer AND r.at = t.shown_at
GROUP BY 3, 4, 5, 6, 7, 8, 9
UNION ALL
SELECT %(catalog)s, %(day)s, '', NULL, NULL, NULL, NULL, NULL, hours, 0, 0, 0, 0, 0, 0, count(*), 0
FROM baskets GROUP BY hours
UNION ALL
SELECT %(catalog)s, %(day)s, '', NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0,
       count(*) FILTER (WHERE type = 'purchase'), COALESCE(sum(money), 0), 0, 0,
       count(*) FILTER (WHERE rec_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM recommender_recommendation r
           WHERE r.rec_id = a.rec_id AND r.at = {act_made_at} AND r.catalog_id = %(catalog)s))
FROM acts a HAVING count(*) > 0
""").format(
    event=sql.SQL(_EVENT).format(money=sql.SQL(MONEY), counts=exclusion.COUNTS),
    excluded=exclusion.is_excluded("x", "%(exclude_bots)s"),
    act_made_at=sql.SQL(_MADE_AT).format(sql.SQL("a.rec_id")),
    touching_made_at=sql.SQL(_MADE_AT).format(sql.SQL("b.rec_id")),
    is_listed=sql.SQL(
        "EXISTS (SELECT FROM jsonb_array_elements(l.items) i WHERE i.value->>0 = ANY(a.products))"
    ),
    touch_made_at=sql.SQL(_MADE_AT).format(sql.SQL("touch.rec_id")),
    item_of_act=sql.SQL(_ITEM).format(sql.SQL("a.products")),
)
