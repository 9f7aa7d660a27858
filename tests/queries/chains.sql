SELECT pg_current_snapshot()::text AS snapshot, n0, p0, p1, p2, p3, p4, p5, p6
FROM (
  SELECT count(*) AS n0, string_agg(concat_ws(E'\x7f', l1.n1, l6.n6, r0.id, r0.superseded::text, r0.sort_key), E'\x7f') AS p0, string_agg(p1, E'\x7f') AS p1, string_agg(p2, E'\x7f') AS p2, string_agg(p3, E'\x7f') AS p3, string_agg(p4, E'\x7f') AS p4, string_agg(p5, E'\x7f') AS p5, string_agg(p6, E'\x7f') AS p6
  FROM (
    SELECT bundle.id AS id, false AS superseded, bundle.bundle_key AS sort_key
    FROM platform_evidence_bundles AS bundle
    WHERE true AND NOT bundle.retracted AND NOT EXISTS (
      SELECT FROM platform_evidence_bundles AS later
      WHERE later.supersedes_id = bundle.id
    )
    AND (true) AND true
    ORDER BY bundle.bundle_key ASC, bundle.id ASC LIMIT 1
  ) AS r0
  CROSS JOIN LATERAL (
    SELECT count(*) AS n1, string_agg(concat_ws(E'\x7f', l2.n2, l3.n3, l4.n4, l5.n5, r1.id, r1.superseded::text), E'\x7f') AS p1, string_agg(p2, E'\x7f') AS p2, string_agg(p3, E'\x7f') AS p3, string_agg(p4, E'\x7f') AS p4, string_agg(p5, E'\x7f') AS p5
    FROM (
      SELECT item.id AS id, item.bundle_id AS bundle_id, item.supersedes_id AS supersedes_id, EXISTS (
        SELECT FROM platform_evidence_items AS later
        WHERE later.supersedes_id = item.id
      ) AS superseded, item.recorded_at AS sort_key
      FROM platform_evidence_items AS item
      WHERE item.bundle_id = r0.id AND true AND true AND (item.source_key = $1::text) AND true
      ORDER BY item.recorded_at ASC, item.id ASC LIMIT 20
    ) AS r1
    CROSS JOIN LATERAL (
      SELECT count(*) AS n2, string_agg((r2.id)::text, E'\x7f') AS p2
      FROM (
        SELECT item.id AS id
        FROM platform_evidence_items AS item
        WHERE item.id = r1.supersedes_id AND true AND true
      ) AS r2
    ) AS l2
    CROSS JOIN LATERAL (
      SELECT count(*) AS n3, string_agg(concat_ws(E'\x7f', r3.id, r3.result), E'\x7f') AS p3
      FROM (
        SELECT item.id AS id, item.result AS result
        FROM platform_evidence_items AS item
        WHERE item.supersedes_id = r1.id AND true AND true
      ) AS r3
    ) AS l3
    CROSS JOIN LATERAL (
      SELECT count(*) AS n4, string_agg(concat_ws(E'\x7f', r4.id, r4.result), E'\x7f') AS p4
      FROM (
        WITH RECURSIVE older AS (
          SELECT start.id, start.supersedes_id, 0 AS depth
          FROM platform_evidence_items AS start
          WHERE start.id = r1.id UNION ALL SELECT before.id, before.supersedes_id, older.depth - 1
          FROM older JOIN platform_evidence_items AS before ON before.id = older.supersedes_id
          WHERE older.depth > -1000
        ), newer AS (
          SELECT start.id, 0 AS depth
          FROM platform_evidence_items AS start
          WHERE start.id = r1.id UNION ALL SELECT later.id, newer.depth + 1
          FROM newer JOIN platform_evidence_items AS later ON later.supersedes_id = newer.id
          WHERE newer.depth < 1000
        ), chain AS (
          SELECT id, depth
          FROM older UNION SELECT id, depth
          FROM newer
        ) SELECT item.id AS id, item.result AS result
        FROM chain JOIN platform_evidence_items AS item ON item.id = chain.id
        WHERE true AND true
        ORDER BY chain.depth
      ) AS r4
    ) AS l4
    CROSS JOIN LATERAL (
      SELECT count(*) AS n5, string_agg((r5.bundle_key)::text, E'\x7f') AS p5
      FROM (
        SELECT bundle.bundle_key AS bundle_key
        FROM platform_evidence_bundles AS bundle
        WHERE bundle.id = r1.bundle_id AND true AND true
      ) AS r5
    ) AS l5
  ) AS l1
  CROSS JOIN LATERAL (
    SELECT count(*) AS n6, string_agg(concat_ws(E'\x7f', g.value, g.count), E'\x7f') AS p6
    FROM (
      SELECT item.result AS value, count(*) AS count
      FROM platform_evidence_items AS item
      WHERE item.bundle_id = r0.id AND true AND true AND (item.source_key = $2::text)
      GROUP BY 1
      ORDER BY count(*)
      DESC, 1
    ) AS g
  ) AS l6
) AS root0
