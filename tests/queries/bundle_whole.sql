SELECT pg_current_snapshot()::text AS snapshot, n0, p0, t0, j0, p1, t1, j1, p2, t2, j2, p3, t3, j3
FROM (
  SELECT count(*) AS n0, string_agg(concat_ws(E'\x7f', l1.n1, l2.n2, l3.n3, r0.id, r0.bundle_key, r0.revision, r0.kind, r0.environment, r0.profile, r0.product, r0.title, r0.version, r0.commit_sha), E'\x7f') AS p0, string_agg(concat_ws(E'\x7f', r0.created_at, r0.updated_at, r0.recorded_at), E'\x7f') AS t0, string_agg((r0.summary::text)::text, E'\x01') AS j0, string_agg(p1, E'\x7f') AS p1, string_agg(t1, E'\x7f') AS t1, string_agg(j1, E'\x01') AS j1, string_agg(p2, E'\x7f') AS p2, string_agg(t2, E'\x7f') AS t2, string_agg(j2, E'\x01') AS j2, string_agg(p3, E'\x7f') AS p3, string_agg(t3, E'\x7f') AS t3, string_agg(j3, E'\x01') AS j3
  FROM (
    SELECT bundle.id AS id, bundle.bundle_key AS bundle_key, bundle.revision AS revision, bundle.kind AS kind, bundle.environment AS environment, bundle.profile AS profile, bundle.product AS product, bundle.title AS title, bundle.version AS version, bundle.commit_sha AS commit_sha, bundle.summary AS summary, bundle.created_at AS created_at, bundle.updated_at AS updated_at, bundle.recorded_at AS recorded_at
    FROM platform_evidence_bundles AS bundle
    WHERE bundle.id = $1::uuid AND true AND true
  ) AS r0
  CROSS JOIN LATERAL (
    SELECT count(*) AS n1, string_agg(concat_ws(E'\x7f', r1.id, r1.evidence_type, r1.source_key, r1.source_digest, r1.format, r1.title, r1.result, r1.producer), E'\x7f') AS p1, string_agg(concat_ws(E'\x7f', coalesce(r1.started_at::text, ''), coalesce(r1.completed_at::text, ''), r1.recorded_at), E'\x7f') AS t1, string_agg((r1.payload::text)::text, E'\x01') AS j1
    FROM (
      SELECT item.id AS id, item.evidence_type AS evidence_type, item.source_key AS source_key, item.source_digest AS source_digest, item.format AS format, item.title AS title, item.result AS result, item.producer AS producer, item.payload AS payload, item.started_at AS started_at, item.completed_at AS completed_at, item.recorded_at AS recorded_at, item.recorded_at AS sort_key
      FROM platform_evidence_items AS item
      WHERE item.bundle_id = r0.id AND true AND NOT item.late AND NOT item.retracted AND NOT EXISTS (
        SELECT FROM platform_evidence_items AS later
        WHERE later.supersedes_id = item.id
      )
      AND (true) AND true
      ORDER BY item.recorded_at ASC, item.id ASC LIMIT 500
    ) AS r1
  ) AS l1
  CROSS JOIN LATERAL (
    SELECT count(*) AS n2, string_agg(concat_ws(E'\x7f', r2.id, r2.gate, r2.source_key, r2.result, r2.enforcement, r2.summary, r2.waived::text), E'\x7f') AS p2, string_agg(concat_ws(E'\x7f', coalesce(r2.evaluated_at::text, ''), r2.recorded_at), E'\x7f') AS t2, string_agg((r2.details::text)::text, E'\x01') AS j2
    FROM (
      SELECT gate.id AS id, gate.gate AS gate, gate.source_key AS source_key, gate.result AS result, gate.enforcement AS enforcement, gate.summary AS summary, gate.waived AS waived, gate.details AS details, gate.evaluated_at AS evaluated_at, gate.recorded_at AS recorded_at, gate.recorded_at AS sort_key
      FROM platform_release_gate_results AS gate
      WHERE gate.bundle_id = r0.id AND true AND NOT gate.late AND NOT gate.retracted AND NOT EXISTS (
        SELECT FROM platform_release_gate_results AS later
        WHERE later.supersedes_id = gate.id
      )
      AND (true) AND true
      ORDER BY gate.recorded_at ASC, gate.id ASC LIMIT 500
    ) AS r2
  ) AS l2
  CROSS JOIN LATERAL (
    SELECT count(*) AS n3, string_agg(concat_ws(E'\x7f', r3.id, r3.invariant_id, r3.source_key, coalesce(r3.area::text, ''), r3.title, r3.result), E'\x7f') AS p3, string_agg(concat_ws(E'\x7f', coalesce(r3.evaluated_at::text, ''), r3.recorded_at), E'\x7f') AS t3, string_agg((r3.details::text)::text, E'\x01') AS j3
    FROM (
      SELECT invariant.id AS id, invariant.invariant_id AS invariant_id, invariant.source_key AS source_key, invariant.area AS area, invariant.title AS title, invariant.result AS result, invariant.details AS details, invariant.evaluated_at AS evaluated_at, invariant.recorded_at AS recorded_at, invariant.recorded_at AS sort_key
      FROM platform_product_invariant_results AS invariant
      WHERE invariant.bundle_id = r0.id AND true AND NOT invariant.late AND NOT invariant.retracted AND NOT EXISTS (
        SELECT FROM platform_product_invariant_results AS later
        WHERE later.supersedes_id = invariant.id
      )
      AND (true) AND true
      ORDER BY invariant.recorded_at ASC, invariant.id ASC LIMIT 500
    ) AS r3
  ) AS l3
) AS root0
