SELECT pg_current_snapshot()::text AS snapshot, n0, p0, t0, n1, p1, total0, n2, p2, p3, p4
FROM (
  SELECT count(*) AS n0, string_agg(concat_ws(E'\x7f', r0.environment, r0.component, r0.status), E'\x7f') AS p0, string_agg((r0.observed_at)::text, E'\x7f') AS t0
  FROM (
    SELECT component.environment AS environment, component.component AS component, component.status AS status, component.observed_at AS observed_at, component.component AS sort_key
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
    ORDER BY component.component ASC, component.id ASC LIMIT 3
  ) AS r0
) AS root1
CROSS JOIN (
  SELECT count(*) AS n1, string_agg(concat_ws(E'\x7f', g.value, g.count), E'\x7f') AS p1
  FROM (
    SELECT component.status AS value, count(*) AS count
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
    WHERE true AND true AND (true)
    GROUP BY 1
    ORDER BY count(*)
    DESC, 1
  ) AS g
) AS root1_1
CROSS JOIN (
  SELECT count(*)
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
  WHERE true AND true AND (true)
) AS total0 (total0)
CROSS JOIN (
  SELECT count(*) AS n2, string_agg(concat_ws(E'\x7f', l3.n3, l4.n4, r2.guard, r2.mode, coalesce(r2.findings_critical::text, ''), coalesce(r2.findings_high::text, '')), E'\x7f') AS p2, string_agg(p3, E'\x7f') AS p3, string_agg(p4, E'\x7f') AS p4
  FROM (
    SELECT *
    FROM (
      SELECT guard.id AS id, guard.bundle_id AS bundle_id, guard.evidence_item_id AS evidence_item_id, guard.guard AS guard, guard.mode AS mode, guard.findings_critical AS findings_critical, guard.findings_high AS findings_high, COALESCE(guard.generated_at, '-infinity'::timestamptz) AS sort_key
      FROM platform_guard_report_summaries AS guard
      WHERE true AND NOT guard.late AND NOT guard.retracted AND NOT EXISTS (
        SELECT FROM platform_guard_report_summaries AS later
        WHERE later.supersedes_id = guard.id
      )
      AND (guard.result = ANY($1::text[])) AND true
      ORDER BY COALESCE(guard.generated_at, '-infinity'::timestamptz) ASC, guard.id ASC LIMIT 2
    ) AS page
    ORDER BY page.sort_key DESC, page.id DESC
  ) AS r2
  CROSS JOIN LATERAL (
    SELECT count(*) AS n3, string_agg((r3.bundle_key)::text, E'\x7f') AS p3
    FROM (
      SELECT bundle.bundle_key AS bundle_key
      FROM platform_evidence_bundles AS bundle
      WHERE bundle.id = r2.bundle_id AND true AND true
    ) AS r3
  ) AS l3
  CROSS JOIN LATERAL (
    SELECT count(*) AS n4, string_agg((r4.title)::text, E'\x7f') AS p4
    FROM (
      SELECT item.title AS title
      FROM platform_evidence_items AS item
      WHERE item.id = r2.evidence_item_id AND true AND true
    ) AS r4
  ) AS l4
) AS root2
