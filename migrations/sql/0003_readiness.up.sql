-- The newest bundle of a product and profile, and the latest snapshot of a component, are each one probe of an index.

CREATE INDEX platform_evidence_bundles_newest ON platform_evidence_bundles (environment, profile, product, created_at DESC, id DESC);

-- A snapshot whose clock ran ahead of ours counts from when we learned of it; there should be few.
CREATE INDEX platform_status_component_status_ahead ON platform_status_component_status (environment, component, recorded_at DESC, id DESC) WHERE observed_at > recorded_at;

-- Months of a component are read from its days, not from every snapshot. Derived: reads go to the snapshots of any day
-- that is not summarised here, or not as it was known at the time asked about, so that emptying this table costs time
-- and nothing else.

CREATE TABLE platform_status_component_days (
  environment text NOT NULL,
  component text NOT NULL,
  day date NOT NULL,
  first_at timestamptz NULL,
  last_at timestamptz NULL,
  last_status text NULL,
  operational interval NOT NULL DEFAULT '0',
  degraded_performance interval NOT NULL DEFAULT '0',
  partial_outage interval NOT NULL DEFAULT '0',
  major_outage interval NOT NULL DEFAULT '0',
  under_maintenance interval NOT NULL DEFAULT '0',
  unknown interval NOT NULL DEFAULT '0',
  gaps interval[] NOT NULL DEFAULT '{}',
  gap_states text[] NOT NULL DEFAULT '{}',
  recorded_at timestamptz NULL,
  PRIMARY KEY (environment, component, day)
);
COMMENT ON TABLE platform_status_component_days IS
  'Platform Backend: how long each component was in which state on each day, from its first to its last current snapshot of the day; derived from platform_status_component_status by trigger, not evidence.';
COMMENT ON COLUMN platform_status_component_days.environment IS 'Platform Backend: Where the component runs.';
COMMENT ON COLUMN platform_status_component_days.component IS 'Platform Backend: The component''s stable name.';
COMMENT ON COLUMN platform_status_component_days.day IS 'Platform Backend: The calendar day in UTC.';
COMMENT ON COLUMN platform_status_component_days.first_at IS
  'Platform Backend: When the day''s first current snapshot was observed; null while the day is not summarised.';
COMMENT ON COLUMN platform_status_component_days.last_at IS
  'Platform Backend: When the day''s last current snapshot was observed.';
COMMENT ON COLUMN platform_status_component_days.last_status IS
  'Platform Backend: The state of that last snapshot, which holds beyond it.';
COMMENT ON COLUMN platform_status_component_days.operational IS
  'Platform Backend: Time in this state between the first and the last snapshot, each holding until the next.';
COMMENT ON COLUMN platform_status_component_days.degraded_performance IS
  'Platform Backend: Time in this state between the first and the last snapshot, each holding until the next.';
COMMENT ON COLUMN platform_status_component_days.partial_outage IS
  'Platform Backend: Time in this state between the first and the last snapshot, each holding until the next.';
COMMENT ON COLUMN platform_status_component_days.major_outage IS
  'Platform Backend: Time in this state between the first and the last snapshot, each holding until the next.';
COMMENT ON COLUMN platform_status_component_days.under_maintenance IS
  'Platform Backend: Time in this state between the first and the last snapshot, each holding until the next.';
COMMENT ON COLUMN platform_status_component_days.unknown IS
  'Platform Backend: Time in this state between the first and the last snapshot, each holding until the next.';
COMMENT ON COLUMN platform_status_component_days.gaps IS
  'Platform Backend: The times between two snapshots of the day that are longer than 5 minutes: a state holds no longer than its freshness window, which reads take off. A shorter window needs the snapshots.';
COMMENT ON COLUMN platform_status_component_days.gap_states IS
  'Platform Backend: The state that each of the gaps began in, and is counted in above.';
COMMENT ON COLUMN platform_status_component_days.recorded_at IS
  'Platform Backend: When the last row was recorded that the summary rests on; asOf an earlier time needs the snapshots.';

CREATE FUNCTION platform_status_summarise_days(asked platform_status_component_days[]) RETURNS void
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
COMMENT ON FUNCTION platform_status_summarise_days(platform_status_component_days[]) IS
  'Platform Backend: summarises the days that the rows name by environment, component and day anew, from the snapshots.';

CREATE FUNCTION platform_status_summarise_arrivals() RETURNS trigger
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
COMMENT ON FUNCTION platform_status_summarise_arrivals() IS
  'Platform Backend: keeps the summary of the days that the statement gave snapshots to.';

CREATE TRIGGER summarise_days AFTER INSERT ON platform_status_component_status
  REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION platform_status_summarise_arrivals();

SELECT platform_status_summarise_days(array_agg(
  ROW(environment, component, day, NULL, NULL, NULL, '0', '0', '0', '0', '0', '0', '{}', '{}', NULL)::platform_status_component_days
))
FROM (
  SELECT DISTINCT environment, component, (observed_at AT TIME ZONE 'UTC')::date AS day
  FROM platform_status_component_status WHERE isfinite(observed_at)
) AS days;
