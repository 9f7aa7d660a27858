-- name: latest_components
-- The snapshot of every (environment, component) that says how it stands: the pairs by skipping along the index, then one
-- probe each for what was seen last by asking, and one for the latest news of each cause. Trouble comes first, the worst
-- of it, told before seen; else what was seen last. An unknown of a cause counts where there is nothing else.
(
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
          AND component.cause = '' AND {current}
        ORDER BY component.observed_at DESC, component.id DESC LIMIT 1
      )
      UNION ALL
      SELECT news.*
      FROM ({causes}) AS known (component, cause)
      CROSS JOIN LATERAL {latest_news} AS news
    ) AS either
    ORDER BY
      CASE either.status WHEN 'major_outage' THEN 1 WHEN 'partial_outage' THEN 2 WHEN 'degraded_performance' THEN 3
        WHEN 'under_maintenance' THEN 4 WHEN 'unknown' THEN CASE either.cause WHEN '' THEN 5 ELSE 6 END ELSE 5 END,
      CASE WHEN either.status NOT IN ('operational', 'unknown') AND either.cause <> '' THEN 0 ELSE 1 END,
      either.made_at DESC, either.observed_at DESC, either.id DESC
    LIMIT 1
  ) AS latest
) AS component;
