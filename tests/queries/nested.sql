SELECT pg_current_snapshot()::text AS snapshot, n0, p0, t0, j0, p1, t1, j1, p2, j2, p3, p4, p5, p6, p7, total0
FROM (
  SELECT count(*) AS n0, string_agg(concat_ws(E'\x7f', l1.n1, l2.n2, l4.n4, l6.n6, l7.n7, r0.id, r0.bundle_key, r0.kind, r0.environment, r0.sort_key), E'\x7f') AS p0, string_agg((r0.created_at)::text, E'\x7f') AS t0, string_agg((r0.summary::text)::text, E'\x01') AS j0, string_agg(p1, E'\x7f') AS p1, string_agg(t1, E'\x7f') AS t1, string_agg(j1, E'\x01') AS j1, string_agg(p2, E'\x7f') AS p2, string_agg(j2, E'\x01') AS j2, string_agg(p3, E'\x7f') AS p3, string_agg(p4, E'\x7f') AS p4, string_agg(p5, E'\x7f') AS p5, string_agg(p6, E'\x7f') AS p6, string_agg(p7, E'\x7f') AS p7
  FROM (
    SELECT bundle.id AS id, bundle.bundle_key AS bundle_key, bundle.kind AS kind, bundle.environment AS environment, bundle.summary AS summary, bundle.created_at AS created_at, bundle.bundle_key AS sort_key
    FROM platform_evidence_bundles AS bundle
    WHERE true AND NOT bundle.retracted AND NOT EXISTS (
      SELECT FROM platform_evidence_bundles AS later
      WHERE later.supersedes_id = bundle.id
    )
    AND (true) AND true
    ORDER BY bundle.bundle_key ASC, bundle.id ASC LIMIT 3
  ) AS r0
  CROSS JOIN LATERAL (
    SELECT count(*) AS n1, string_agg(concat_ws(E'\x7f', r1.id, r1.title, r1.result, coalesce(r1.tests_total::text, ''), coalesce(r1.tests_failed::text, ''), coalesce(r1.tests_flaky::text, ''), coalesce(r1.findings_critical::text, ''), coalesce(r1.findings_medium::text, ''), coalesce(r1.findings_suppressed::text, '')), E'\x7f') AS p1, string_agg((coalesce(r1.completed_at::text, ''))::text, E'\x7f') AS t1, string_agg((r1.payload::text)::text, E'\x01') AS j1
    FROM (
      SELECT item.id AS id, item.title AS title, item.result AS result, item.tests_total AS tests_total, item.tests_failed AS tests_failed, item.tests_flaky AS tests_flaky, item.findings_critical AS findings_critical, item.findings_medium AS findings_medium, item.findings_suppressed AS findings_suppressed, item.payload AS payload, item.completed_at AS completed_at, item.source_key AS sort_key
      FROM platform_evidence_items AS item
      WHERE item.bundle_id = r0.id AND true AND NOT item.late AND NOT item.retracted AND NOT EXISTS (
        SELECT FROM platform_evidence_items AS later
        WHERE later.supersedes_id = item.id
      )
      AND (true) AND true
      ORDER BY item.source_key ASC, item.id ASC LIMIT 20
    ) AS r1
  ) AS l1
  CROSS JOIN LATERAL (
    SELECT count(*) AS n2, string_agg(concat_ws(E'\x7f', l3.n3, r2.gate, r2.result, r2.enforcement), E'\x7f') AS p2, string_agg((array_to_json(r2.item_ids)::text)::text, E'\x01') AS j2, string_agg(p3, E'\x7f') AS p3
    FROM (
      SELECT gate.id AS id, gate.gate AS gate, gate.result AS result, gate.enforcement AS enforcement, gate.item_ids AS item_ids, gate.recorded_at AS sort_key
      FROM platform_release_gate_results AS gate
      WHERE gate.bundle_id = r0.id AND true AND NOT gate.late AND NOT gate.retracted AND NOT EXISTS (
        SELECT FROM platform_release_gate_results AS later
        WHERE later.supersedes_id = gate.id
      )
      AND (true) AND true
      ORDER BY gate.recorded_at ASC, gate.id ASC LIMIT 20
    ) AS r2
    CROSS JOIN LATERAL (
      SELECT count(*) AS n3, string_agg(concat_ws(E'\x7f', r3.id, r3.title), E'\x7f') AS p3
      FROM (
        SELECT item.id AS id, item.title AS title
        FROM unnest(r2.item_ids) WITH ORDINALITY AS named (id, position) JOIN platform_evidence_items AS item ON item.id = named.id
        WHERE true AND true
        ORDER BY named.position
      ) AS r3
    ) AS l3
  ) AS l2
  CROSS JOIN LATERAL (
    SELECT count(*) AS n4, string_agg(concat_ws(E'\x7f', l5.n5, r4.invariant_id, coalesce(r4.area::text, '')), E'\x7f') AS p4, string_agg(p5, E'\x7f') AS p5
    FROM (
      SELECT invariant.id AS id, invariant.invariant_id AS invariant_id, invariant.area AS area, invariant.evidence_item_id AS evidence_item_id, invariant.recorded_at AS sort_key
      FROM platform_product_invariant_results AS invariant
      WHERE invariant.bundle_id = r0.id AND true AND NOT invariant.late AND NOT invariant.retracted AND NOT EXISTS (
        SELECT FROM platform_product_invariant_results AS later
        WHERE later.supersedes_id = invariant.id
      )
      AND (true) AND true
      ORDER BY invariant.recorded_at ASC, invariant.id ASC LIMIT 20
    ) AS r4
    CROSS JOIN LATERAL (
      SELECT count(*) AS n5, string_agg(concat_ws(E'\x7f', r5.id, r5.result), E'\x7f') AS p5
      FROM (
        SELECT item.id AS id, item.result AS result
        FROM platform_evidence_items AS item
        WHERE item.id = r4.evidence_item_id AND true AND true
      ) AS r5
    ) AS l5
  ) AS l4
  CROSS JOIN LATERAL (
    SELECT count(*) AS n6, string_agg(concat_ws(E'\x7f', g.value, g.count), E'\x7f') AS p6
    FROM (
      SELECT item.result AS value, count(*) AS count
      FROM platform_evidence_items AS item
      WHERE item.bundle_id = r0.id AND true AND NOT item.late AND NOT item.retracted AND NOT EXISTS (
        SELECT FROM platform_evidence_items AS later
        WHERE later.supersedes_id = item.id
      )
      AND (true)
      GROUP BY 1
      ORDER BY count(*)
      DESC, 1
    ) AS g
  ) AS l6
  CROSS JOIN LATERAL (
    SELECT count(*) AS n7, string_agg(concat_ws(E'\x7f', g.value, g.count), E'\x7f') AS p7
    FROM (
      SELECT gate.result AS value, count(*) AS count
      FROM platform_release_gate_results AS gate
      WHERE gate.bundle_id = r0.id AND true AND NOT gate.late AND NOT gate.retracted AND NOT EXISTS (
        SELECT FROM platform_release_gate_results AS later
        WHERE later.supersedes_id = gate.id
      )
      AND (true)
      GROUP BY 1
      ORDER BY count(*)
      DESC, 1
    ) AS g
  ) AS l7
) AS root0
CROSS JOIN (
  SELECT count(*)
  FROM platform_evidence_bundles AS bundle
  WHERE true AND NOT bundle.retracted AND NOT EXISTS (
    SELECT FROM platform_evidence_bundles AS later
    WHERE later.supersedes_id = bundle.id
  )
  AND (true)
) AS total0 (total0)
