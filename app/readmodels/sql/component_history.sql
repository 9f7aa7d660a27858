-- How components did over time. Slots in braces are filled by app/readmodels/component_history.py, values are parameters.

-- name: blocks
-- What is known of some components between some starts and `at`, in blocks. A day that lies whole after its start is one
-- block, its summary, where that is of what was known then and the component's freshness is no shorter than the gaps it
-- keeps; of another day every snapshot is a block; and so is the last snapshot before the start. A state holds from one
-- snapshot to the next, but no longer than its freshness.
WITH asked AS MATERIALIZED (
  SELECT given.place, given.environment, given.component, given.freshness, start
  FROM unnest({environments}, {components}, {freshness})
    WITH ORDINALITY AS given (environment, component, freshness, place)
  CROSS JOIN unnest({starts}) AS start
), days AS MATERIALIZED (
  SELECT asked.*, day.starts, kept.first_at, kept.last_at, kept.last_status,
         kept.operational - COALESCE(gaps.operational, '0') AS operational,
         kept.degraded_performance - COALESCE(gaps.degraded_performance, '0') AS degraded_performance,
         kept.partial_outage - COALESCE(gaps.partial_outage, '0') AS partial_outage,
         kept.major_outage - COALESCE(gaps.major_outage, '0') AS major_outage,
         kept.under_maintenance - COALESCE(gaps.under_maintenance, '0') AS under_maintenance
  FROM asked
  CROSS JOIN LATERAL generate_series(date_trunc('day', asked.start, 'UTC'), {at}, '24 hours') AS day (starts)
  LEFT JOIN LATERAL (
    SELECT summary.*
    FROM platform_status_component_days AS summary
    WHERE summary.environment = asked.environment AND summary.component = asked.component
      AND summary.day = (day.starts AT TIME ZONE 'UTC')::date
      AND summary.recorded_at <= {at} AND summary.last_at < {at} AND day.starts >= asked.start
      AND (asked.freshness IS NULL OR asked.freshness >= '5 minutes')
    LIMIT 1 -- a probe of the index for each day
  ) AS kept ON true
  LEFT JOIN LATERAL (
    SELECT sum(gap - asked.freshness) FILTER (WHERE state = 'operational') AS operational,
           sum(gap - asked.freshness) FILTER (WHERE state = 'degraded_performance') AS degraded_performance,
           sum(gap - asked.freshness) FILTER (WHERE state = 'partial_outage') AS partial_outage,
           sum(gap - asked.freshness) FILTER (WHERE state = 'major_outage') AS major_outage,
           sum(gap - asked.freshness) FILTER (WHERE state = 'under_maintenance') AS under_maintenance
    FROM unnest(kept.gaps, kept.gap_states) AS hole (gap, state)
    WHERE gap > asked.freshness
  ) AS gaps ON kept.gaps <> '{}'
), blocks AS (
  SELECT place, start, freshness, starts, first_at, last_at, NULL::uuid AS id, last_status, operational,
         degraded_performance, partial_outage, major_outage, under_maintenance
  FROM days WHERE first_at IS NOT NULL
  UNION ALL
  SELECT days.place, days.start, days.freshness, days.starts, snapshot.observed_at, snapshot.observed_at, snapshot.id,
         snapshot.status, NULL, NULL, NULL, NULL, NULL
  FROM days
  CROSS JOIN LATERAL (
    SELECT component.id, component.observed_at, component.status
    FROM platform_status_component_status AS component
    WHERE component.environment = days.environment AND component.component = days.component
      AND component.observed_at >= GREATEST(days.starts, days.start)
      AND component.observed_at < LEAST(days.starts + interval '24 hours', {at}) AND {current}
    OFFSET 0 -- a range of the index for each day, never the component's whole history
  ) AS snapshot
  WHERE days.first_at IS NULL
  UNION ALL
  SELECT asked.place, asked.start, asked.freshness, NULL, before.observed_at, before.observed_at, before.id, before.status,
         NULL, NULL, NULL, NULL, NULL
  FROM asked
  CROSS JOIN LATERAL (
    SELECT component.id, component.observed_at, component.status
    FROM platform_status_component_status AS component
    WHERE component.environment = asked.environment AND component.component = asked.component
      AND component.observed_at < asked.start AND component.observed_at > '-infinity'
      AND component.observed_at > COALESCE(asked.start - asked.freshness, '-infinity') AND {current}
    ORDER BY component.observed_at DESC, component.id DESC
    LIMIT 1
  ) AS before
), held AS (
  SELECT blocks.*, GREATEST(last_at, start) AS since,
         LEAST(LEAD(first_at, 1, {at}) OVER (PARTITION BY place, start ORDER BY first_at, id), last_at + freshness, {at}) AS until
  FROM blocks
);

-- name: uptimes
-- Time in each state from each start to `at`; what is left is time without data.
{blocks}
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
{blocks}, pieces AS (
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
