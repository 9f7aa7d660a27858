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

-- name: news
-- What a cause told of a component by what is known, but for trouble that was told before the same cause told that what
-- began then is over: that may have come in later than it ended.
(
  SELECT told.*
  FROM (
    SELECT component.*, LEAST(component.observed_at, component.recorded_at) AS made_at
    FROM platform_status_component_status AS component
    WHERE component.environment = {environment} AND component.component = {component} AND component.cause = {cause}
      AND component.cause <> '' AND component.status <> 'unknown' AND {current}
  ) AS told
  WHERE told.status = 'operational' OR NOT EXISTS (
    SELECT
    FROM platform_status_component_status AS component
    WHERE component.environment = told.environment AND component.component = told.component
      AND component.cause = told.cause AND component.cause <> '' AND component.status = 'operational'
      AND component.details ->> 'began_at' = told.details ->> 'began_at'
      AND LEAST(component.observed_at, component.recorded_at) <= told.made_at
      AND component.recorded_at >= told.recorded_at AND {current}
  )
)

-- name: latest_news
-- The latest news of a cause, and where the very last that it told is an unknown, that as well.
(
  (
    SELECT news.* FROM {news} AS news
    ORDER BY news.made_at DESC, news.observed_at DESC, news.id DESC LIMIT 1
  )
  UNION ALL
  SELECT last.*
  FROM (
    SELECT component.*, LEAST(component.observed_at, component.recorded_at) AS made_at
    FROM platform_status_component_status AS component
    WHERE component.environment = {environment} AND component.component = {component} AND component.cause = {cause}
      AND component.cause <> '' AND {current}
    ORDER BY LEAST(component.observed_at, component.recorded_at) DESC, component.observed_at DESC, component.id DESC
    LIMIT 1
  ) AS last
  WHERE last.status = 'unknown'
)

-- name: last_news
-- Which of some snapshots are the last that their cause told, by what is known.
SELECT asked.id::text AS id
FROM platform_status_component_status AS asked
CROSS JOIN LATERAL (
  SELECT news.id FROM {news} AS news
  ORDER BY news.made_at DESC, news.observed_at DESC, news.id DESC LIMIT 1
) AS last
WHERE asked.id = ANY({ids}) AND last.id = asked.id;
