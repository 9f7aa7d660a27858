-- How components did over time. Slots in braces are filled by app/readmodels/component_history.py, values are parameters.

-- name: blocks
-- What is known of some components between some starts and `at`, in blocks: a day's summary where the day lies whole
-- after the start and the summary is of what was known then, with no gap longer than the component's freshness; else
-- each snapshot by itself; and the last snapshot before the start. Slots: asked, a relation of (place, environment,
-- component, freshness, start); at, current.
SELECT asked.place, asked.start, asked.freshness, day.starts, kept.first_at, kept.last_at, NULL::uuid AS id,
       kept.last_status, kept.operational, kept.degraded_performance, kept.partial_outage, kept.major_outage,
       kept.under_maintenance
FROM {asked} AS asked
CROSS JOIN LATERAL {days} AS day (starts)
JOIN platform_status_component_days AS kept
  ON kept.environment = asked.environment AND kept.component = asked.component
  AND kept.day = (day.starts AT TIME ZONE 'UTC')::date AND {usable}
UNION ALL
SELECT asked.place, asked.start, asked.freshness, day.starts, component.observed_at, component.observed_at, component.id,
       component.status, NULL, NULL, NULL, NULL, NULL
FROM {asked} AS asked
CROSS JOIN LATERAL {days} AS day (starts)
LEFT JOIN platform_status_component_days AS kept
  ON kept.environment = asked.environment AND kept.component = asked.component
  AND kept.day = (day.starts AT TIME ZONE 'UTC')::date AND {usable}
JOIN platform_status_component_status AS component
  ON component.environment = asked.environment AND component.component = asked.component
  AND component.observed_at >= GREATEST(day.starts, asked.start)
  AND component.observed_at < LEAST(day.starts + interval '24 hours', {at}) AND {current}
WHERE kept.day IS NULL
UNION ALL
SELECT asked.place, asked.start, asked.freshness, NULL, before.observed_at, before.observed_at, before.id, before.status,
       NULL, NULL, NULL, NULL, NULL
FROM {asked} AS asked
CROSS JOIN LATERAL (
  SELECT component.id, component.observed_at, component.status
  FROM platform_status_component_status AS component
  WHERE component.environment = asked.environment AND component.component = asked.component
    AND component.observed_at < asked.start AND component.observed_at > '-infinity'
    AND (asked.freshness IS NULL OR component.observed_at > asked.start - asked.freshness) AND {current}
  ORDER BY component.observed_at DESC, component.id DESC
  LIMIT 1
) AS before;

-- name: held
-- Each block with how long its last state held beyond it: until the next block, but no longer than its freshness.
SELECT blocks.*, GREATEST(last_at, start) AS since,
       LEAST(LEAD(first_at, 1, {at}) OVER (PARTITION BY place, start ORDER BY first_at, id), last_at + freshness, {at}) AS until
FROM blocks;

-- name: uptimes
-- Time in each state from each start to `at`; what is left is time without data.
WITH blocks AS ({blocks}), held AS ({held})
SELECT place, start,
       COALESCE(sum(operational), '0') + COALESCE(sum(until - since) FILTER (WHERE last_status = 'operational'), '0') AS operational,
       COALESCE(sum(degraded_performance), '0') + COALESCE(sum(until - since) FILTER (WHERE last_status = 'degraded_performance'), '0') AS degraded_performance,
       COALESCE(sum(partial_outage), '0') + COALESCE(sum(until - since) FILTER (WHERE last_status = 'partial_outage'), '0') AS partial_outage,
       COALESCE(sum(major_outage), '0') + COALESCE(sum(until - since) FILTER (WHERE last_status = 'major_outage'), '0') AS major_outage,
       COALESCE(sum(under_maintenance), '0') + COALESCE(sum(until - since) FILTER (WHERE last_status = 'under_maintenance'), '0') AS under_maintenance
FROM held
GROUP BY place, start;

-- name: daily
-- Time in each state on each day from a start to `at`: a state that held over midnight is of both days.
WITH blocks AS ({blocks}), held AS ({held}), pieces AS (
  SELECT place, starts, operational, degraded_performance, partial_outage, major_outage, under_maintenance
  FROM held WHERE operational IS NOT NULL
  UNION ALL
  SELECT place, slice,
         CASE WHEN last_status = 'operational' THEN span END, CASE WHEN last_status = 'degraded_performance' THEN span END,
         CASE WHEN last_status = 'partial_outage' THEN span END, CASE WHEN last_status = 'major_outage' THEN span END,
         CASE WHEN last_status = 'under_maintenance' THEN span END
  FROM held
  CROSS JOIN LATERAL generate_series(date_trunc('day', since, 'UTC'), until, '24 hours') AS slice
  CROSS JOIN LATERAL (SELECT LEAST(until, slice + interval '24 hours') - GREATEST(since, slice)) AS piece (span)
  WHERE until > since
)
SELECT place, starts,
       COALESCE(sum(operational), '0') AS operational, COALESCE(sum(degraded_performance), '0') AS degraded_performance,
       COALESCE(sum(partial_outage), '0') AS partial_outage, COALESCE(sum(major_outage), '0') AS major_outage,
       COALESCE(sum(under_maintenance), '0') AS under_maintenance
FROM pieces
GROUP BY place, starts;
