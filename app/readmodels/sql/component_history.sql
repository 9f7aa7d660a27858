-- How components did over time. Slots in braces are filled by app/readmodels/component_history.py, values are parameters.

-- name: blocks
-- What was seen of some components, each from a start to a finish, by what is known at `at`, in blocks. A day that lies
-- whole in between is one block, its summary, where that is of what was known then and the component's freshness is no
-- shorter than the gaps it keeps; of another day every snapshot is a block; and so is the last snapshot before the start.
-- A state holds from one snapshot to the next, but no longer than its freshness. Trouble that a cause told is not seen.
WITH asked AS MATERIALIZED (
  SELECT given.*
  FROM unnest({environments}, {components}, {freshness}, {starts}, {finishes})
    WITH ORDINALITY AS given (environment, component, freshness, start, finish, place)
), days AS MATERIALIZED (
  SELECT asked.*, day.starts, kept.first_at, kept.last_at, kept.last_status,
         kept.operational - COALESCE(gaps.operational, '0') AS operational,
         kept.degraded_performance - COALESCE(gaps.degraded_performance, '0') AS degraded_performance,
         kept.partial_outage - COALESCE(gaps.partial_outage, '0') AS partial_outage,
         kept.major_outage - COALESCE(gaps.major_outage, '0') AS major_outage,
         kept.under_maintenance - COALESCE(gaps.under_maintenance, '0') AS under_maintenance
  FROM asked
  CROSS JOIN LATERAL generate_series(date_trunc('day', asked.start, 'UTC'), asked.finish, '24 hours') AS day (starts)
  LEFT JOIN LATERAL (
    SELECT summary.*
    FROM platform_status_component_days AS summary
    WHERE summary.environment = asked.environment AND summary.component = asked.component
      AND summary.day = (day.starts AT TIME ZONE 'UTC')::date
      AND summary.recorded_at <= {at} AND summary.last_at < asked.finish AND day.starts >= asked.start
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
  SELECT place, start, finish, freshness, starts, first_at, last_at, NULL::uuid AS id, last_status, operational,
         degraded_performance, partial_outage, major_outage, under_maintenance
  FROM days WHERE first_at IS NOT NULL
  UNION ALL
  SELECT days.place, days.start, days.finish, days.freshness, days.starts, snapshot.observed_at, snapshot.observed_at, snapshot.id,
         snapshot.status, NULL, NULL, NULL, NULL, NULL
  FROM days
  CROSS JOIN LATERAL (
    SELECT component.id, component.observed_at, component.status
    FROM platform_status_component_status AS component
    WHERE component.environment = days.environment AND component.component = days.component
      AND component.observed_at >= GREATEST(days.starts, days.start)
      AND component.observed_at < LEAST(days.starts + interval '24 hours', days.finish)
      AND (component.cause = '' OR component.status = 'operational') AND {current}
    OFFSET 0 -- a range of the index for each day, never the component's whole history
  ) AS snapshot
  WHERE days.first_at IS NULL
  UNION ALL
  SELECT asked.place, asked.start, asked.finish, asked.freshness, NULL, before.observed_at, before.observed_at, before.id, before.status,
         NULL, NULL, NULL, NULL, NULL
  FROM asked
  CROSS JOIN LATERAL (
    SELECT component.id, component.observed_at, component.status
    FROM platform_status_component_status AS component
    WHERE component.environment = asked.environment AND component.component = asked.component
      AND component.observed_at < asked.start AND component.observed_at > '-infinity'
      AND component.observed_at > COALESCE(asked.start - asked.freshness, '-infinity')
      AND (component.cause = '' OR component.status = 'operational') AND {current}
    ORDER BY component.observed_at DESC, component.id DESC
    LIMIT 1
  ) AS before
), held AS (
  SELECT blocks.*, GREATEST(last_at, start) AS since,
         LEAST(LEAD(first_at, 1, finish) OVER (PARTITION BY place ORDER BY first_at, id), last_at + freshness, finish) AS until
  FROM blocks
);

-- name: uptimes
-- Time in each state from each start to its finish; what is left is time without data.
{blocks}
SELECT place,
       COALESCE(sum(operational), '0') + COALESCE(sum(until - since) FILTER (WHERE last_status = 'operational'), '0') AS operational,
       COALESCE(sum(degraded_performance), '0') + COALESCE(sum(until - since) FILTER (WHERE last_status = 'degraded_performance'), '0') AS degraded_performance,
       COALESCE(sum(partial_outage), '0') + COALESCE(sum(until - since) FILTER (WHERE last_status = 'partial_outage'), '0') AS partial_outage,
       COALESCE(sum(major_outage), '0') + COALESCE(sum(until - since) FILTER (WHERE last_status = 'major_outage'), '0') AS major_outage,
       COALESCE(sum(under_maintenance), '0') + COALESCE(sum(until - since) FILTER (WHERE last_status = 'under_maintenance'), '0') AS under_maintenance
FROM held
GROUP BY place;

-- name: daily
-- Time in each state on each day from a start to a finish: a state that held over midnight is of both days.
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

-- name: outages
-- Trouble that causes told of some components, from `start` to `at`: of each cause, found by skipping along the index, the
-- news that held at the start, and all trouble since, each with when the same cause told something else.
SELECT given.place, GREATEST(bad.made_at, {start}) AS since, COALESCE(further.made_at, {at}) AS until, bad.status
FROM unnest({environments}, {components}) WITH ORDINALITY AS given (environment, component, place)
CROSS JOIN LATERAL ({causes}) AS known (component, cause)
CROSS JOIN LATERAL (
  SELECT before.*
  FROM (
    SELECT news.id, news.observed_at, news.made_at, news.status FROM {news} AS news
    WHERE news.made_at < {start}
    ORDER BY news.made_at DESC, news.observed_at DESC, news.id DESC LIMIT 1
  ) AS before
  WHERE before.status <> 'operational'
  UNION ALL
  SELECT news.id, news.observed_at, news.made_at, news.status FROM {news} AS news
  WHERE news.status IN ('major_outage', 'partial_outage', 'degraded_performance', 'under_maintenance')
    AND news.made_at >= {start} AND news.made_at < {at}
) AS bad
LEFT JOIN LATERAL (
  SELECT news.made_at FROM {news} AS news
  WHERE (news.made_at, news.observed_at, news.id) > (bad.made_at, bad.observed_at, bad.id)
  ORDER BY news.made_at, news.observed_at, news.id LIMIT 1
) AS further ON true
WHERE COALESCE(further.made_at, {at}) > {start};
