-- The causes that told of components, found by skipping along an index that is empty where nothing has a cause.

-- name: causes_known
-- The causes that told of an environment's components, each with its component.
WITH RECURSIVE told AS (
  (
    SELECT first.component, first.cause
    FROM platform_status_component_status AS first
    WHERE first.environment = {environment} AND first.cause <> ''
    ORDER BY first.component, first.cause LIMIT 1
  )
  UNION ALL
  SELECT next.component, next.cause
  FROM told CROSS JOIN LATERAL (
    SELECT another.component, another.cause
    FROM platform_status_component_status AS another
    WHERE another.environment = {environment} AND another.cause <> ''
      AND (another.component, another.cause) > (told.component, told.cause)
    ORDER BY another.component, another.cause LIMIT 1
  ) AS next
)
SELECT component, cause FROM told;

-- name: causes_of_component
-- The causes that told of one component.
WITH RECURSIVE told AS (
  (
    SELECT first.cause
    FROM platform_status_component_status AS first
    WHERE first.environment = {environment} AND first.component = {component} AND first.cause <> ''
    ORDER BY first.cause LIMIT 1
  )
  UNION ALL
  SELECT next.cause
  FROM told CROSS JOIN LATERAL (
    SELECT another.cause
    FROM platform_status_component_status AS another
    WHERE another.environment = {environment} AND another.component = {component}
      AND another.cause > told.cause AND another.cause <> ''
    ORDER BY another.cause LIMIT 1
  ) AS next
)
SELECT {component}, cause FROM told;

-- name: last_news
-- Which of some snapshots are the last that their cause told, by what is known.
SELECT asked.id::text AS id
FROM platform_status_component_status AS asked
CROSS JOIN LATERAL (
  SELECT component.id
  FROM platform_status_component_status AS component
  WHERE component.environment = asked.environment AND component.component = asked.component
    AND component.cause = asked.cause AND component.cause <> '' AND component.status <> 'unknown' AND {current}
  ORDER BY LEAST(component.observed_at, component.recorded_at) DESC, component.observed_at DESC, component.id DESC
  LIMIT 1
) AS last
WHERE asked.id = ANY({ids}) AND last.id = asked.id;
