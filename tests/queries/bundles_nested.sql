SELECT pg_current_snapshot()::text AS snapshot, n0, p0, t0, p1, t1, p2, t2, p3, t3
FROM (
  SELECT count(*) AS n0, string_agg(concat_ws(E'\x7f', l1.n1, l2.n2, l3.n3, r0.id, r0.bundle_key, r0.kind, r0.title, r0.version), E'\x7f') AS p0, string_agg((r0.updated_at)::text, E'\x7f') AS t0, string_agg(p1, E'\x7f') AS p1, string_agg(t1, E'\x7f') AS t1, string_agg(p2, E'\x7f') AS p2, string_agg(t2, E'\x7f') AS t2, string_agg(p3, E'\x7f') AS p3, string_agg(t3, E'\x7f') AS t3
  FROM (
    SELECT bundle.id AS id, bundle.bundle_key AS bundle_key, bundle.kind AS kind, bundle.title AS title, bundle.version AS version, bundle.updated_at AS updated_at, bundle.updated_at AS sort_key
    FROM platform_evidence_bundles AS bundle
    WHERE true AND NOT bundle.retracted AND NOT EXISTS (
      SELECT FROM platform_evidence_bundles AS later
      WHERE later.supersedes_id = bundle.id
    )
    AND ((bundle.environment = $1::text) AND (bundle.product = $2::text)) AND true
    ORDER BY bundle.updated_at DESC, bundle.id DESC LIMIT 20
  ) AS r0
  CROSS JOIN LATERAL (
    SELECT count(*) AS n1, string_agg(concat_ws(E'\x7f', r1.id, r1.evidence_type, r1.source_key, r1.format, r1.title, r1.result), E'\x7f') AS p1, string_agg((coalesce(r1.completed_at::text, ''))::text, E'\x7f') AS t1
    FROM (
      SELECT item.id AS id, item.evidence_type AS evidence_type, item.source_key AS source_key, item.format AS format, item.title AS title, item.result AS result, item.completed_at AS completed_at, item.recorded_at AS sort_key
      FROM platform_evidence_items AS item
      WHERE item.bundle_id = r0.id AND true AND NOT item.late AND NOT item.retracted AND NOT EXISTS (
        SELECT FROM platform_evidence_items AS later
        WHERE later.supersedes_id = item.id
      )
      AND (true) AND true
      ORDER BY item.recorded_at ASC, item.id ASC LIMIT 100
    ) AS r1
  ) AS l1
  CROSS JOIN LATERAL (
    SELECT count(*) AS n2, string_agg(concat_ws(E'\x7f', r2.id, r2.gate, r2.result, r2.enforcement, r2.summary), E'\x7f') AS p2, string_agg((coalesce(r2.evaluated_at::text, ''))::text, E'\x7f') AS t2
    FROM (
      SELECT gate.id AS id, gate.gate AS gate, gate.result AS result, gate.enforcement AS enforcement, gate.summary AS summary, gate.evaluated_at AS evaluated_at, gate.recorded_at AS sort_key
      FROM platform_release_gate_results AS gate
      WHERE gate.bundle_id = r0.id AND true AND NOT gate.late AND NOT gate.retracted AND NOT EXISTS (
        SELECT FROM platform_release_gate_results AS later
        WHERE later.supersedes_id = gate.id
      )
      AND (true) AND true
      ORDER BY gate.recorded_at ASC, gate.id ASC LIMIT 100
    ) AS r2
  ) AS l2
  CROSS JOIN LATERAL (
    SELECT count(*) AS n3, string_agg(concat_ws(E'\x7f', r3.id, r3.invariant_id, coalesce(r3.area::text, ''), r3.result), E'\x7f') AS p3, string_agg((coalesce(r3.evaluated_at::text, ''))::text, E'\x7f') AS t3
    FROM (
      SELECT invariant.id AS id, invariant.invariant_id AS invariant_id, invariant.area AS area, invariant.result AS result, invariant.evaluated_at AS evaluated_at, invariant.recorded_at AS sort_key
      FROM platform_product_invariant_results AS invariant
      WHERE invariant.bundle_id = r0.id AND true AND NOT invariant.late AND NOT invariant.retracted AND NOT EXISTS (
        SELECT FROM platform_product_invariant_results AS later
        WHERE later.supersedes_id = invariant.id
      )
      AND (true) AND true
      ORDER BY invariant.recorded_at ASC, invariant.id ASC LIMIT 100
    ) AS r3
  ) AS l3
) AS root0
