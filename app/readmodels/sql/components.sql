-- name: latest_components
-- The latest snapshot of every (environment, component): the pairs by skipping along the index, then one probe each.
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
    SELECT component.*
    FROM platform_status_component_status AS component
    WHERE component.environment = pair.environment AND component.component = pair.component AND {current}
    ORDER BY component.observed_at DESC, component.id DESC LIMIT 1
  ) AS latest
) AS component;
