-- Every snapshot is an observation again, whatever told it.

DROP INDEX platform_status_component_status_polls;
DROP INDEX platform_status_component_status_over;
DROP INDEX platform_status_component_status_causes;
DROP INDEX platform_status_component_status_troubles;

CREATE OR REPLACE FUNCTION platform_status_summarise_days(asked platform_status_component_days[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  -- In order, and before anything is read: the second of two writers sees what the first wrote.
  INSERT INTO platform_status_component_days (environment, component, day)
    SELECT DISTINCT environment, component, day FROM unnest(asked) ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING;
  PERFORM 1 FROM platform_status_component_days AS kept
    WHERE (kept.environment, kept.component, kept.day) IN (SELECT environment, component, day FROM unnest(asked))
    ORDER BY kept.environment, kept.component, kept.day FOR UPDATE;
  WITH touched AS (
    SELECT DISTINCT environment, component, day FROM unnest(asked)
  ), known AS (
    SELECT touched.environment, touched.component, touched.day, snapshot.id, snapshot.status, snapshot.observed_at,
           NOT snapshot.retracted AND later.id IS NULL AS current,
           GREATEST(snapshot.recorded_at, later.recorded_at) AS recorded_at
    FROM touched
    JOIN platform_status_component_status AS snapshot
      ON snapshot.environment = touched.environment AND snapshot.component = touched.component
      AND snapshot.observed_at >= touched.day::timestamp AT TIME ZONE 'UTC'
      AND snapshot.observed_at < (touched.day + 1)::timestamp AT TIME ZONE 'UTC'
    LEFT JOIN platform_status_component_status AS later ON later.supersedes_id = snapshot.id
  ), held AS (
    SELECT environment, component, day, id, status, observed_at, recorded_at,
           LEAD(observed_at) OVER (PARTITION BY environment, component, day, current ORDER BY observed_at, id) - observed_at AS span,
           current,
           current AND LEAD(id) OVER (PARTITION BY environment, component, day, current ORDER BY observed_at, id) IS NULL AS last
    FROM known
  ), summed AS (
    SELECT environment, component, day,
           min(observed_at) FILTER (WHERE current) AS first_at,
           max(observed_at) FILTER (WHERE current) AS last_at,
           max(status) FILTER (WHERE last) AS last_status,
           COALESCE(sum(span) FILTER (WHERE current AND status = 'operational'), '0') AS operational,
           COALESCE(sum(span) FILTER (WHERE current AND status = 'degraded_performance'), '0') AS degraded_performance,
           COALESCE(sum(span) FILTER (WHERE current AND status = 'partial_outage'), '0') AS partial_outage,
           COALESCE(sum(span) FILTER (WHERE current AND status = 'major_outage'), '0') AS major_outage,
           COALESCE(sum(span) FILTER (WHERE current AND status = 'under_maintenance'), '0') AS under_maintenance,
           COALESCE(sum(span) FILTER (WHERE current AND status = 'unknown'), '0') AS unknown,
           COALESCE(array_agg(span ORDER BY observed_at, id) FILTER (WHERE current AND span > '5 minutes'), '{}') AS gaps,
           COALESCE(array_agg(status ORDER BY observed_at, id) FILTER (WHERE current AND span > '5 minutes'), '{}') AS gap_states,
           max(recorded_at) AS recorded_at
    FROM held
    GROUP BY environment, component, day
  )
  UPDATE platform_status_component_days AS kept
    SET first_at = summed.first_at, last_at = summed.last_at, last_status = summed.last_status,
        operational = summed.operational, degraded_performance = summed.degraded_performance,
        partial_outage = summed.partial_outage, major_outage = summed.major_outage,
        under_maintenance = summed.under_maintenance, unknown = summed.unknown,
        gaps = summed.gaps, gap_states = summed.gap_states, recorded_at = summed.recorded_at
    FROM summed
    WHERE kept.environment = summed.environment AND kept.component = summed.component AND kept.day = summed.day;
END $$;

CREATE OR REPLACE FUNCTION platform_status_summarise_arrivals() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  anew platform_status_component_days[];
BEGIN
  -- A snapshot after all others of its day, the usual case, adds to the sums; all else has its day summed anew.
  WITH touched AS (
    SELECT environment, component, (observed_at AT TIME ZONE 'UTC')::date AS day, observed_at, recorded_at, status,
           supersedes_id IS NULL AND NOT retracted AS plain
    FROM arrived
    WHERE isfinite(observed_at)
    UNION ALL
    SELECT replaced.environment, replaced.component, (replaced.observed_at AT TIME ZONE 'UTC')::date, NULL, NULL, NULL, false
    FROM arrived JOIN platform_status_component_status AS replaced ON replaced.id = arrived.supersedes_id
    WHERE isfinite(replaced.observed_at)
  ), alone AS (
    SELECT environment, component, day, min(observed_at) AS observed_at, min(recorded_at) AS recorded_at,
           min(status) AS status
    FROM touched GROUP BY environment, component, day HAVING count(*) = 1 AND bool_and(plain)
  ), locked AS (
    SELECT kept.environment, kept.component, kept.day
    FROM platform_status_component_days AS kept JOIN alone USING (environment, component, day)
    ORDER BY 1, 2, 3 FOR UPDATE OF kept
  ), added AS (
    UPDATE platform_status_component_days AS kept
      SET operational = kept.operational + CASE WHEN last_status = 'operational' THEN alone.observed_at - last_at ELSE '0' END,
          degraded_performance = kept.degraded_performance + CASE WHEN last_status = 'degraded_performance' THEN alone.observed_at - last_at ELSE '0' END,
          partial_outage = kept.partial_outage + CASE WHEN last_status = 'partial_outage' THEN alone.observed_at - last_at ELSE '0' END,
          major_outage = kept.major_outage + CASE WHEN last_status = 'major_outage' THEN alone.observed_at - last_at ELSE '0' END,
          under_maintenance = kept.under_maintenance + CASE WHEN last_status = 'under_maintenance' THEN alone.observed_at - last_at ELSE '0' END,
          unknown = kept.unknown + CASE WHEN last_status = 'unknown' THEN alone.observed_at - last_at ELSE '0' END,
          gaps = gaps || CASE WHEN alone.observed_at - last_at > '5 minutes' THEN ARRAY[alone.observed_at - last_at] ELSE '{}' END,
          gap_states = gap_states || CASE WHEN alone.observed_at - last_at > '5 minutes' THEN ARRAY[last_status] ELSE '{}' END,
          last_at = alone.observed_at, last_status = alone.status,
          recorded_at = GREATEST(kept.recorded_at, alone.recorded_at)
      FROM alone JOIN locked USING (environment, component, day)
      WHERE kept.environment = alone.environment AND kept.component = alone.component AND kept.day = alone.day
        AND kept.last_at < alone.observed_at
      RETURNING kept.environment, kept.component, kept.day
  )
  SELECT array_agg(DISTINCT ROW(environment, component, day, NULL, NULL, NULL, '0', '0', '0', '0', '0', '0', '{}', '{}', NULL)::platform_status_component_days)
    INTO anew
    FROM (SELECT environment, component, day FROM touched EXCEPT SELECT environment, component, day FROM added) AS left_over;
  IF anew IS NOT NULL THEN
    PERFORM platform_status_summarise_days(anew);
  END IF;
  RETURN NULL;
END $$;

SELECT platform_status_summarise_days(array_agg(
  ROW(environment, component, day, NULL, NULL, NULL, '0', '0', '0', '0', '0', '0', '{}', '{}', NULL)::platform_status_component_days
))
FROM (
  SELECT DISTINCT environment, component, (observed_at AT TIME ZONE 'UTC')::date AS day
  FROM platform_status_component_status WHERE isfinite(observed_at) AND cause <> ''
) AS days;
