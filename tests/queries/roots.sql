SELECT pg_current_snapshot()::text AS snapshot, n0, p0, total0, n1, p1, n2, p2, n3, p3, n4, p4, n5, p5, n6, p6, n7, p7, n8, p8, n9, p9, n10, p10, n11, p11, n12, p12, n13, p13, n14, p14, n15, p15, n16, p16
FROM (
  SELECT count(*) AS n0, string_agg((r0.bundle_key)::text, E'\x7f') AS p0
  FROM (
    SELECT bundle.bundle_key AS bundle_key, bundle.bundle_key AS sort_key
    FROM platform_evidence_bundles AS bundle
    WHERE true AND NOT bundle.retracted AND NOT EXISTS (
      SELECT FROM platform_evidence_bundles AS later
      WHERE later.supersedes_id = bundle.id
    )
    AND (true) AND true
    ORDER BY bundle.bundle_key DESC, bundle.id DESC LIMIT 1
  ) AS r0
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
CROSS JOIN (
  SELECT count(*) AS n1, string_agg((r1.bundle_key)::text, E'\x7f') AS p1
  FROM (
    SELECT bundle.bundle_key AS bundle_key
    FROM platform_evidence_bundles AS bundle
    WHERE bundle.id = $1::uuid AND true AND true
  ) AS r1
) AS root1
CROSS JOIN (
  SELECT count(*) AS n2, string_agg(concat_ws(E'\x7f', r2.bundle_key, r2.environment), E'\x7f') AS p2
  FROM (
    SELECT bundle.bundle_key AS bundle_key, bundle.environment AS environment
    FROM platform_evidence_bundles AS bundle
    WHERE bundle.bundle_key = $2::text AND true AND true
    ORDER BY bundle.revision DESC LIMIT 1
  ) AS r2
) AS root2
CROSS JOIN (
  SELECT count(*) AS n3, string_agg((r3.id)::text, E'\x7f') AS p3
  FROM (
    SELECT bundle.id AS id, bundle.recorded_at AS sort_key
    FROM platform_evidence_bundles AS bundle
    WHERE true AND true AND (bundle.id = ANY($3::uuid[])) AND true
    ORDER BY bundle.recorded_at DESC, bundle.id DESC LIMIT 500
  ) AS r3
) AS root3
CROSS JOIN (
  SELECT count(*) AS n4, string_agg(concat_ws(E'\x7f', r4.id, r4.title, r4.result), E'\x7f') AS p4
  FROM (
    SELECT item.id AS id, item.title AS title, item.result AS result, item.recorded_at AS sort_key
    FROM platform_evidence_items AS item
    WHERE true AND true AND (item.id = ANY($4::uuid[])) AND true
    ORDER BY item.recorded_at DESC, item.id DESC LIMIT 500
  ) AS r4
) AS root4
CROSS JOIN (
  SELECT count(*) AS n5, string_agg((r5.id)::text, E'\x7f') AS p5
  FROM (
    SELECT gate.id AS id, gate.recorded_at AS sort_key
    FROM platform_release_gate_results AS gate
    WHERE true AND true AND (gate.id = ANY($5::uuid[])) AND true
    ORDER BY gate.recorded_at DESC, gate.id DESC LIMIT 500
  ) AS r5
) AS root5
CROSS JOIN (
  SELECT count(*) AS n6, string_agg((r6.id)::text, E'\x7f') AS p6
  FROM (
    SELECT invariant.id AS id, invariant.recorded_at AS sort_key
    FROM platform_product_invariant_results AS invariant
    WHERE true AND true AND (invariant.id = ANY($6::uuid[])) AND true
    ORDER BY invariant.recorded_at DESC, invariant.id DESC LIMIT 500
  ) AS r6
) AS root6
CROSS JOIN (
  SELECT count(*) AS n7, string_agg((r7.id)::text, E'\x7f') AS p7
  FROM (
    SELECT component.id AS id, component.recorded_at AS sort_key
    FROM platform_status_component_status AS component
    WHERE true AND true AND (component.id = ANY($7::uuid[])) AND true
    ORDER BY component.recorded_at DESC, component.id DESC LIMIT 500
  ) AS r7
) AS root7
CROSS JOIN (
  SELECT count(*) AS n8, string_agg((r8.id)::text, E'\x7f') AS p8
  FROM (
    SELECT guard.id AS id, guard.recorded_at AS sort_key
    FROM platform_guard_report_summaries AS guard
    WHERE true AND true AND (guard.id = ANY($8::uuid[])) AND true
    ORDER BY guard.recorded_at DESC, guard.id DESC LIMIT 500
  ) AS r8
) AS root8
CROSS JOIN (
  SELECT count(*) AS n9, string_agg((r9.id)::text, E'\x7f') AS p9
  FROM (
    SELECT bundle.id AS id, bundle.recorded_at AS sort_key
    FROM platform_evidence_bundles AS bundle
    WHERE true AND true AND (bundle.id = ANY($9::uuid[])) AND true
    ORDER BY bundle.recorded_at DESC, bundle.id DESC LIMIT 500
  ) AS r9
) AS root9
CROSS JOIN (
  SELECT count(*) AS n10, string_agg((r10.id)::text, E'\x7f') AS p10
  FROM (
    SELECT item.id AS id, item.recorded_at AS sort_key
    FROM platform_evidence_items AS item
    WHERE true AND true AND (item.id = ANY($10::uuid[])) AND true
    ORDER BY item.recorded_at DESC, item.id DESC LIMIT 500
  ) AS r10
) AS root10
CROSS JOIN (
  SELECT count(*) AS n11, string_agg(concat_ws(E'\x7f', r11.id, r11.gate, r11.result), E'\x7f') AS p11
  FROM (
    SELECT gate.id AS id, gate.gate AS gate, gate.result AS result, gate.recorded_at AS sort_key
    FROM platform_release_gate_results AS gate
    WHERE true AND true AND (gate.id = ANY($11::uuid[])) AND true
    ORDER BY gate.recorded_at DESC, gate.id DESC LIMIT 500
  ) AS r11
) AS root11
CROSS JOIN (
  SELECT count(*) AS n12, string_agg((r12.id)::text, E'\x7f') AS p12
  FROM (
    SELECT invariant.id AS id, invariant.recorded_at AS sort_key
    FROM platform_product_invariant_results AS invariant
    WHERE true AND true AND (invariant.id = ANY($12::uuid[])) AND true
    ORDER BY invariant.recorded_at DESC, invariant.id DESC LIMIT 500
  ) AS r12
) AS root12
CROSS JOIN (
  SELECT count(*) AS n13, string_agg(concat_ws(E'\x7f', r13.id, r13.component, r13.status), E'\x7f') AS p13
  FROM (
    SELECT component.id AS id, component.component AS component, component.status AS status, component.recorded_at AS sort_key
    FROM platform_status_component_status AS component
    WHERE true AND true AND (component.id = ANY($13::uuid[])) AND true
    ORDER BY component.recorded_at DESC, component.id DESC LIMIT 500
  ) AS r13
) AS root13
CROSS JOIN (
  SELECT count(*) AS n14, string_agg((r14.id)::text, E'\x7f') AS p14
  FROM (
    SELECT guard.id AS id, guard.recorded_at AS sort_key
    FROM platform_guard_report_summaries AS guard
    WHERE true AND true AND (guard.id = ANY($14::uuid[])) AND true
    ORDER BY guard.recorded_at DESC, guard.id DESC LIMIT 500
  ) AS r14
) AS root14
CROSS JOIN (
  SELECT count(*) AS n15, string_agg(concat_ws(E'\x7f', r15.environment, r15.component, r15.status), E'\x7f') AS p15
  FROM (
    SELECT component.environment AS environment, component.component AS component, component.status AS status, component.component AS sort_key
    FROM (
  WITH RECURSIVE pair AS (
    (
      SELECT first.environment, first.component
      FROM platform_status_component_status AS first
      ORDER BY first.environment, first.component LIMIT 1
    )
    UNION ALL
    SELECT next.environment, next.component
    FROM pair CROSS JOIN LATERAL (
      SELECT further.environment, further.component
      FROM platform_status_component_status AS further
      WHERE (further.environment, further.component) > (pair.environment, pair.component)
      ORDER BY further.environment, further.component LIMIT 1
    ) AS next
  )
  SELECT latest.*
  FROM pair CROSS JOIN LATERAL (
    SELECT either.*
    FROM (
      (
        SELECT component.*, component.observed_at AS made_at
        FROM platform_status_component_status AS component
        WHERE component.environment = pair.environment AND component.component = pair.component
          AND component.cause = '' AND NOT component.retracted AND NOT EXISTS (
      SELECT FROM platform_status_component_status AS later
      WHERE later.supersedes_id = component.id
    )
        ORDER BY component.observed_at DESC, component.id DESC LIMIT 1
      )
      UNION ALL
      SELECT news.*
      FROM (
      WITH RECURSIVE told AS (
  (
    SELECT first.cause
    FROM platform_status_component_status AS first
    WHERE first.environment = pair.environment AND first.component = pair.component AND first.cause <> ''
    ORDER BY first.cause LIMIT 1
  )
  UNION ALL
  SELECT next.cause
  FROM told CROSS JOIN LATERAL (
    SELECT another.cause
    FROM platform_status_component_status AS another
    WHERE another.environment = pair.environment AND another.component = pair.component
      AND another.cause > told.cause AND another.cause <> ''
    ORDER BY another.cause LIMIT 1
  ) AS next
)
SELECT pair.component, cause
      FROM told
    ) AS known (component, cause)
      CROSS JOIN LATERAL (
  (
    SELECT news.* FROM (
  SELECT told.*
  FROM (
    SELECT component.*, LEAST(component.observed_at, component.recorded_at) AS made_at
    FROM platform_status_component_status AS component
    WHERE component.environment = pair.environment AND component.component = pair.component AND component.cause = known.cause
      AND component.cause <> '' AND component.status <> 'unknown' AND NOT component.retracted AND NOT EXISTS (
      SELECT FROM platform_status_component_status AS later
      WHERE later.supersedes_id = component.id
    )
  ) AS told
  WHERE told.status = 'operational' OR NOT EXISTS (
    SELECT
    FROM platform_status_component_status AS component
    WHERE component.environment = told.environment AND component.component = told.component
      AND component.cause = told.cause AND component.cause <> '' AND component.status = 'operational'
      AND component.details ->> 'began_at' = told.details ->> 'began_at'
      AND LEAST(component.observed_at, component.recorded_at) <= told.made_at
      AND component.recorded_at >= told.recorded_at AND NOT component.retracted AND NOT EXISTS (
      SELECT FROM platform_status_component_status AS later
      WHERE later.supersedes_id = component.id
    )
  )
) AS news
    ORDER BY news.made_at DESC, news.observed_at DESC, news.id DESC LIMIT 1
  )
  UNION ALL
  SELECT last.*
  FROM (
    SELECT component.*, LEAST(component.observed_at, component.recorded_at) AS made_at
    FROM platform_status_component_status AS component
    WHERE component.environment = pair.environment AND component.component = pair.component AND component.cause = known.cause
      AND component.cause <> '' AND NOT component.retracted AND NOT EXISTS (
      SELECT FROM platform_status_component_status AS later
      WHERE later.supersedes_id = component.id
    )
    ORDER BY LEAST(component.observed_at, component.recorded_at) DESC, component.observed_at DESC, component.id DESC
    LIMIT 1
  ) AS last
  WHERE last.status = 'unknown'
) AS news
    ) AS either
    ORDER BY
      CASE either.status WHEN 'major_outage' THEN 1 WHEN 'partial_outage' THEN 2 WHEN 'degraded_performance' THEN 3
        WHEN 'under_maintenance' THEN 4 WHEN 'unknown' THEN CASE either.cause WHEN '' THEN 5 ELSE 6 END ELSE 5 END,
      CASE WHEN either.status NOT IN ('operational', 'unknown') AND either.cause <> '' THEN 0 ELSE 1 END,
      either.made_at DESC, either.observed_at DESC, either.id DESC
    LIMIT 1
  ) AS latest
) AS component
    WHERE true AND true AND (true) AND true
    ORDER BY component.component ASC, component.id ASC LIMIT 2
  ) AS r15
) AS root15
CROSS JOIN (
  SELECT count(*) AS n16, string_agg(concat_ws(E'\x7f', r16.guard, r16.result), E'\x7f') AS p16
  FROM (
    SELECT guard.guard AS guard, guard.result AS result, COALESCE(guard.generated_at, '-infinity'::timestamptz) AS sort_key
    FROM platform_guard_report_summaries AS guard
    WHERE true AND NOT guard.late AND NOT guard.retracted AND NOT EXISTS (
      SELECT FROM platform_guard_report_summaries AS later
      WHERE later.supersedes_id = guard.id
    )
    AND (true) AND true
    ORDER BY COALESCE(guard.generated_at, '-infinity'::timestamptz) DESC, guard.id DESC LIMIT 1
  ) AS r16
) AS root16
