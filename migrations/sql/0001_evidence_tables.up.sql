-- The six tables of Platform Evidence/Status Schema v1, append-only by trigger. Owner: Platform Backend.

CREATE FUNCTION platform_evidence_recorded_at() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  fixed text := current_setting('platform_evidence.recorded_at', true);
  moment timestamptz;
BEGIN
  IF fixed IS NULL OR fixed = '' THEN
    -- Held to the end of the transaction: a reader that asks "as of t" waits for writers that fixed a time before t.
    PERFORM pg_advisory_xact_lock_shared(7305414816092);
    moment := clock_timestamp();
    PERFORM set_config('platform_evidence.recorded_at', moment::text, true);
    RETURN moment;
  END IF;
  RETURN fixed::timestamptz;
END $$;
COMMENT ON FUNCTION platform_evidence_recorded_at() IS
  'Platform Backend: the one moment at which the running transaction records all its rows.';

CREATE TABLE platform_evidence_bundles (
  id uuid PRIMARY KEY,
  bundle_key text NOT NULL CHECK (bundle_key <> ''),
  revision integer NOT NULL DEFAULT 1 CHECK (revision > 0),
  kind text NOT NULL CHECK (kind IN ('release_candidate', 'uat_package', 'security_review', 'production_change')),
  environment text NOT NULL CHECK (environment <> ''),
  profile text NOT NULL CHECK (profile <> ''),
  product text NOT NULL CHECK (product <> ''),
  title text NOT NULL DEFAULT '',
  version text NOT NULL DEFAULT '',
  commit_sha text NOT NULL DEFAULT '',
  summary jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  actor text NOT NULL DEFAULT '',
  reason text NOT NULL DEFAULT '',
  supersedes_id uuid NULL REFERENCES platform_evidence_bundles (id),
  retracted boolean NOT NULL DEFAULT false,
  recorded_at timestamptz NOT NULL DEFAULT platform_evidence_recorded_at(),
  recorded_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  updated_at timestamptz NOT NULL DEFAULT platform_evidence_recorded_at(),
  UNIQUE (bundle_key, revision),
  CHECK (supersedes_id <> id),
  CHECK (NOT retracted OR (supersedes_id IS NOT NULL AND actor <> '' AND reason <> ''))
);

COMMENT ON TABLE platform_evidence_bundles IS
  'Platform Backend: One bundle per release candidate, UAT package, security review, or production-impacting change.';
COMMENT ON COLUMN platform_evidence_bundles.id IS
  'Platform Backend: UUIDv7 made by the writer; the same string in GraphQL, REST, the CLI and here.';
COMMENT ON COLUMN platform_evidence_bundles.bundle_key IS
  'Platform Backend: The stable human name its producer gives it, such as release/portal/2.14.0-rc.3.';
COMMENT ON COLUMN platform_evidence_bundles.revision IS
  'Platform Backend: 1 for the first row of a key; a row that supersedes one of the same key counts on. The highest is what the key means.';
COMMENT ON COLUMN platform_evidence_bundles.kind IS
  'Platform Backend: What the evidence is for.';
COMMENT ON COLUMN platform_evidence_bundles.environment IS
  'Platform Backend: Where it is to run, such as staging or production.';
COMMENT ON COLUMN platform_evidence_bundles.profile IS
  'Platform Backend: The deployment profile within the environment, such as standard or hardened.';
COMMENT ON COLUMN platform_evidence_bundles.product IS
  'Platform Backend: The product that ships.';
COMMENT ON COLUMN platform_evidence_bundles.title IS
  'Platform Backend: One line for a person.';
COMMENT ON COLUMN platform_evidence_bundles.version IS
  'Platform Backend: The version that ships, as its producer writes it.';
COMMENT ON COLUMN platform_evidence_bundles.commit_sha IS
  'Platform Backend: The commit it was built from.';
COMMENT ON COLUMN platform_evidence_bundles.summary IS
  'Platform Backend: External producer payload about the bundle as a whole.';
COMMENT ON COLUMN platform_evidence_bundles.created_at IS
  'Platform Backend: When the candidate, package, review or change came to be.';
COMMENT ON COLUMN platform_evidence_bundles.actor IS
  'Platform Backend: Who recorded the row, or the person the artifact names; empty where nobody is named.';
COMMENT ON COLUMN platform_evidence_bundles.reason IS
  'Platform Backend: Why, in the actor''s words: of a retraction, a waiver or an operator entry.';
COMMENT ON COLUMN platform_evidence_bundles.supersedes_id IS
  'Platform Backend: The row that this one replaces; unique, so a chain is linear. A row that nothing supersedes is current.';
COMMENT ON COLUMN platform_evidence_bundles.retracted IS
  'Platform Backend: True on a row that withdraws the one it supersedes; hidden from current reads, never from history.';
COMMENT ON COLUMN platform_evidence_bundles.recorded_at IS
  'Platform Backend: When the platform learned it; one value for all rows of a transaction. asOf compares with it.';
COMMENT ON COLUMN platform_evidence_bundles.recorded_xid IS
  'Platform Backend: The transaction that wrote the row, so that a change feed can be read without gaps in commit order.';
COMMENT ON COLUMN platform_evidence_bundles.updated_at IS
  'Platform Backend: When the latest row of this bundle was recorded; moved by triggers alone.';

CREATE TABLE platform_evidence_items (
  id uuid PRIMARY KEY,
  bundle_id uuid NOT NULL REFERENCES platform_evidence_bundles (id),
  evidence_type text NOT NULL CHECK (evidence_type IN ('ci', 'uat', 'security', 'guard', 'smoke', 'artifact', 'operator')),
  source_key text COLLATE "C" NOT NULL CHECK (source_key <> ''),
  source_digest text NOT NULL CHECK (source_digest ~ '^[0-9a-f]{64}$'),
  format text NOT NULL DEFAULT '',
  title text NOT NULL DEFAULT '',
  result text NOT NULL CHECK (result IN ('passed', 'warned', 'failed', 'error', 'pending', 'inconclusive', 'skipped', 'not_applicable')),
  producer text NOT NULL DEFAULT '',
  artifact_path text NOT NULL DEFAULT '',
  tests_total integer NULL CHECK (tests_total >= 0),
  tests_passed integer NULL CHECK (tests_passed >= 0),
  tests_failed integer NULL CHECK (tests_failed >= 0),
  tests_error integer NULL CHECK (tests_error >= 0),
  tests_skipped integer NULL CHECK (tests_skipped >= 0),
  tests_flaky integer NULL CHECK (tests_flaky >= 0),
  findings_critical integer NULL CHECK (findings_critical >= 0),
  findings_high integer NULL CHECK (findings_high >= 0),
  findings_medium integer NULL CHECK (findings_medium >= 0),
  findings_low integer NULL CHECK (findings_low >= 0),
  findings_info integer NULL CHECK (findings_info >= 0),
  findings_unknown integer NULL CHECK (findings_unknown >= 0),
  findings_suppressed integer NULL CHECK (findings_suppressed >= 0),
  payload jsonb NOT NULL DEFAULT '{}',
  started_at timestamptz NULL,
  completed_at timestamptz NULL,
  actor text NOT NULL DEFAULT '',
  reason text NOT NULL DEFAULT '',
  supersedes_id uuid NULL REFERENCES platform_evidence_items (id),
  retracted boolean NOT NULL DEFAULT false,
  recorded_at timestamptz NOT NULL DEFAULT platform_evidence_recorded_at(),
  recorded_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  UNIQUE (bundle_id, source_key, source_digest),
  CHECK (supersedes_id <> id),
  CHECK (NOT retracted OR (supersedes_id IS NOT NULL AND actor <> '' AND reason <> ''))
);

COMMENT ON TABLE platform_evidence_items IS
  'Platform Backend: Individual CI, UAT, security, guard, smoke, artifact, or operator evidence entries attached to a bundle.';
COMMENT ON COLUMN platform_evidence_items.id IS
  'Platform Backend: UUIDv7 made by the writer; the same string in GraphQL, REST, the CLI and here.';
COMMENT ON COLUMN platform_evidence_items.bundle_id IS
  'Platform Backend: The bundle that this row is evidence for.';
COMMENT ON COLUMN platform_evidence_items.evidence_type IS
  'Platform Backend: What sort of evidence it is.';
COMMENT ON COLUMN platform_evidence_items.source_key IS
  'Platform Backend: Names the check within its bundle, such as ci/junit/unit-tests; rows with the same key form one chain.';
COMMENT ON COLUMN platform_evidence_items.source_digest IS
  'Platform Backend: SHA-256 of the raw artifact, in lower-case hex; with the bundle and source_key it identifies the evidence.';
COMMENT ON COLUMN platform_evidence_items.format IS
  'Platform Backend: The importer that read the artifact, such as junit; empty for entries that had no artifact.';
COMMENT ON COLUMN platform_evidence_items.title IS
  'Platform Backend: One line for a person.';
COMMENT ON COLUMN platform_evidence_items.result IS
  'Platform Backend: The outcome.';
COMMENT ON COLUMN platform_evidence_items.producer IS
  'Platform Backend: The tool that made the artifact, with its version where it says so.';
COMMENT ON COLUMN platform_evidence_items.artifact_path IS
  'Platform Backend: Where the raw artifact lies, as the importer was given it.';
COMMENT ON COLUMN platform_evidence_items.tests_total IS
  'Platform Backend: Test cases that the artifact holds; null where the artifact holds no tests.';
COMMENT ON COLUMN platform_evidence_items.tests_passed IS
  'Platform Backend: Test cases that passed, flaky ones included; null where the artifact holds no tests.';
COMMENT ON COLUMN platform_evidence_items.tests_failed IS
  'Platform Backend: Test cases that failed an assertion; null where the artifact holds no tests.';
COMMENT ON COLUMN platform_evidence_items.tests_error IS
  'Platform Backend: Test cases that broke before they could pass or fail; null where the artifact holds no tests.';
COMMENT ON COLUMN platform_evidence_items.tests_skipped IS
  'Platform Backend: Test cases that were not run; null where the artifact holds no tests.';
COMMENT ON COLUMN platform_evidence_items.tests_flaky IS
  'Platform Backend: Test cases that passed only after a retry; also counted as passed; null where the artifact holds no tests.';
COMMENT ON COLUMN platform_evidence_items.findings_critical IS
  'Platform Backend: Open findings of severity critical; null where the artifact is no scan.';
COMMENT ON COLUMN platform_evidence_items.findings_high IS
  'Platform Backend: Open findings of severity high; null where the artifact is no scan.';
COMMENT ON COLUMN platform_evidence_items.findings_medium IS
  'Platform Backend: Open findings of severity medium; null where the artifact is no scan.';
COMMENT ON COLUMN platform_evidence_items.findings_low IS
  'Platform Backend: Open findings of severity low; null where the artifact is no scan.';
COMMENT ON COLUMN platform_evidence_items.findings_info IS
  'Platform Backend: Open findings of severity info; null where the artifact is no scan.';
COMMENT ON COLUMN platform_evidence_items.findings_unknown IS
  'Platform Backend: Open findings of severity unknown; null where the artifact is no scan.';
COMMENT ON COLUMN platform_evidence_items.findings_suppressed IS
  'Platform Backend: Findings that somebody suppressed, dismissed or stated as not affecting; counted nowhere else.';
COMMENT ON COLUMN platform_evidence_items.payload IS
  'Platform Backend: External producer details: top findings, failed tests, measurements.';
COMMENT ON COLUMN platform_evidence_items.started_at IS
  'Platform Backend: When the check began; null where the artifact does not say.';
COMMENT ON COLUMN platform_evidence_items.completed_at IS
  'Platform Backend: When the check ended; null where the artifact does not say.';
COMMENT ON COLUMN platform_evidence_items.actor IS
  'Platform Backend: Who recorded the row, or the person the artifact names; empty where nobody is named.';
COMMENT ON COLUMN platform_evidence_items.reason IS
  'Platform Backend: Why, in the actor''s words: of a retraction, a waiver or an operator entry.';
COMMENT ON COLUMN platform_evidence_items.supersedes_id IS
  'Platform Backend: The row that this one replaces; unique, so a chain is linear. A row that nothing supersedes is current.';
COMMENT ON COLUMN platform_evidence_items.retracted IS
  'Platform Backend: True on a row that withdraws the one it supersedes; hidden from current reads, never from history.';
COMMENT ON COLUMN platform_evidence_items.recorded_at IS
  'Platform Backend: When the platform learned it; one value for all rows of a transaction. asOf compares with it.';
COMMENT ON COLUMN platform_evidence_items.recorded_xid IS
  'Platform Backend: The transaction that wrote the row, so that a change feed can be read without gaps in commit order.';

CREATE TABLE platform_release_gate_results (
  id uuid PRIMARY KEY,
  bundle_id uuid NOT NULL REFERENCES platform_evidence_bundles (id),
  gate text NOT NULL CHECK (gate IN ('contract_drift', 'uat', 'security', 'capacity', 'approval', 'guard', 'environment_profile')),
  source_key text COLLATE "C" NOT NULL CHECK (source_key <> ''),
  source_digest text NOT NULL CHECK (source_digest ~ '^[0-9a-f]{64}$'),
  result text NOT NULL CHECK (result IN ('passed', 'warned', 'failed', 'error', 'pending', 'inconclusive', 'skipped', 'not_applicable')),
  enforcement text NOT NULL CHECK (enforcement IN ('report_only', 'warning', 'blocking')),
  summary text NOT NULL DEFAULT '',
  waived boolean NOT NULL DEFAULT false,
  expires_at timestamptz NULL,
  policy_digest text NULL,
  item_ids uuid[] NOT NULL DEFAULT '{}',
  details jsonb NOT NULL DEFAULT '{}',
  evaluated_at timestamptz NULL,
  actor text NOT NULL DEFAULT '',
  reason text NOT NULL DEFAULT '',
  supersedes_id uuid NULL REFERENCES platform_release_gate_results (id),
  retracted boolean NOT NULL DEFAULT false,
  recorded_at timestamptz NOT NULL DEFAULT platform_evidence_recorded_at(),
  recorded_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  UNIQUE (bundle_id, source_key, gate, source_digest),
  CHECK (NOT waived OR (actor <> '' AND reason <> '' AND expires_at IS NOT NULL)),
  CHECK (supersedes_id <> id),
  CHECK (NOT retracted OR (supersedes_id IS NOT NULL AND actor <> '' AND reason <> ''))
);

COMMENT ON TABLE platform_release_gate_results IS
  'Platform Backend: Gate state for contract drift, UAT, security, capacity, approval, guard, and environment-profile checks.';
COMMENT ON COLUMN platform_release_gate_results.id IS
  'Platform Backend: UUIDv7 made by the writer; the same string in GraphQL, REST, the CLI and here.';
COMMENT ON COLUMN platform_release_gate_results.bundle_id IS
  'Platform Backend: The bundle that this row is evidence for.';
COMMENT ON COLUMN platform_release_gate_results.gate IS
  'Platform Backend: Which gate.';
COMMENT ON COLUMN platform_release_gate_results.source_key IS
  'Platform Backend: Names the check within its bundle, such as ci/junit/unit-tests; rows with the same key form one chain.';
COMMENT ON COLUMN platform_release_gate_results.source_digest IS
  'Platform Backend: SHA-256 of the raw artifact, in lower-case hex; with the bundle and source_key it identifies the evidence.';
COMMENT ON COLUMN platform_release_gate_results.result IS
  'Platform Backend: The outcome.';
COMMENT ON COLUMN platform_release_gate_results.enforcement IS
  'Platform Backend: What a failure does: nothing, a warning, or a stop.';
COMMENT ON COLUMN platform_release_gate_results.summary IS
  'Platform Backend: One sentence for a person.';
COMMENT ON COLUMN platform_release_gate_results.waived IS
  'Platform Backend: True on a waiver: the result does not block while the waiver lasts.';
COMMENT ON COLUMN platform_release_gate_results.expires_at IS
  'Platform Backend: When a waiver or an approval stops counting.';
COMMENT ON COLUMN platform_release_gate_results.policy_digest IS
  'Platform Backend: SHA-256 of the policy that decided the result; null where a producer decided it.';
COMMENT ON COLUMN platform_release_gate_results.item_ids IS
  'Platform Backend: The items that the result was decided from.';
COMMENT ON COLUMN platform_release_gate_results.details IS
  'Platform Backend: External producer details, or the figures that the evaluation used.';
COMMENT ON COLUMN platform_release_gate_results.evaluated_at IS
  'Platform Backend: When the gate was decided; null where the artifact does not say.';
COMMENT ON COLUMN platform_release_gate_results.actor IS
  'Platform Backend: Who recorded the row, or the person the artifact names; empty where nobody is named.';
COMMENT ON COLUMN platform_release_gate_results.reason IS
  'Platform Backend: Why, in the actor''s words: of a retraction, a waiver or an operator entry.';
COMMENT ON COLUMN platform_release_gate_results.supersedes_id IS
  'Platform Backend: The row that this one replaces; unique, so a chain is linear. A row that nothing supersedes is current.';
COMMENT ON COLUMN platform_release_gate_results.retracted IS
  'Platform Backend: True on a row that withdraws the one it supersedes; hidden from current reads, never from history.';
COMMENT ON COLUMN platform_release_gate_results.recorded_at IS
  'Platform Backend: When the platform learned it; one value for all rows of a transaction. asOf compares with it.';
COMMENT ON COLUMN platform_release_gate_results.recorded_xid IS
  'Platform Backend: The transaction that wrote the row, so that a change feed can be read without gaps in commit order.';

CREATE TABLE platform_product_invariant_results (
  id uuid PRIMARY KEY,
  bundle_id uuid NOT NULL REFERENCES platform_evidence_bundles (id),
  invariant_id text NOT NULL CHECK (invariant_id <> ''),
  source_key text COLLATE "C" NOT NULL CHECK (source_key <> ''),
  source_digest text NOT NULL CHECK (source_digest ~ '^[0-9a-f]{64}$'),
  area text NULL CHECK (area IN ('launch', 'connect', 'release', 'app_failure')),
  title text NOT NULL DEFAULT '',
  result text NOT NULL CHECK (result IN ('passed', 'warned', 'failed', 'error', 'pending', 'inconclusive', 'skipped', 'not_applicable')),
  evidence_item_id uuid NULL REFERENCES platform_evidence_items (id),
  details jsonb NOT NULL DEFAULT '{}',
  evaluated_at timestamptz NULL,
  actor text NOT NULL DEFAULT '',
  reason text NOT NULL DEFAULT '',
  supersedes_id uuid NULL REFERENCES platform_product_invariant_results (id),
  retracted boolean NOT NULL DEFAULT false,
  recorded_at timestamptz NOT NULL DEFAULT platform_evidence_recorded_at(),
  recorded_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  UNIQUE (bundle_id, source_key, invariant_id, source_digest),
  CHECK (supersedes_id <> id),
  CHECK (NOT retracted OR (supersedes_id IS NOT NULL AND actor <> '' AND reason <> ''))
);

COMMENT ON TABLE platform_product_invariant_results IS
  'Platform Backend: Named product invariant coverage such as launch/connect/release/app failure behavior.';
COMMENT ON COLUMN platform_product_invariant_results.id IS
  'Platform Backend: UUIDv7 made by the writer; the same string in GraphQL, REST, the CLI and here.';
COMMENT ON COLUMN platform_product_invariant_results.bundle_id IS
  'Platform Backend: The bundle that this row is evidence for.';
COMMENT ON COLUMN platform_product_invariant_results.invariant_id IS
  'Platform Backend: Stable id such as PI-LAUNCH-001.';
COMMENT ON COLUMN platform_product_invariant_results.source_key IS
  'Platform Backend: Names the check within its bundle, such as ci/junit/unit-tests; rows with the same key form one chain.';
COMMENT ON COLUMN platform_product_invariant_results.source_digest IS
  'Platform Backend: SHA-256 of the raw artifact, in lower-case hex; with the bundle and source_key it identifies the evidence.';
COMMENT ON COLUMN platform_product_invariant_results.area IS
  'Platform Backend: The product behaviour it speaks of; null where neither the catalogue nor the id says.';
COMMENT ON COLUMN platform_product_invariant_results.title IS
  'Platform Backend: The invariant''s statement, or the name of the test that proves it.';
COMMENT ON COLUMN platform_product_invariant_results.result IS
  'Platform Backend: The outcome over all tests that name it; a flaky pass is warned.';
COMMENT ON COLUMN platform_product_invariant_results.evidence_item_id IS
  'Platform Backend: The item that proves it.';
COMMENT ON COLUMN platform_product_invariant_results.details IS
  'Platform Backend: The tests that name it, with their outcomes.';
COMMENT ON COLUMN platform_product_invariant_results.evaluated_at IS
  'Platform Backend: When the tests ended; null where the artifact does not say.';
COMMENT ON COLUMN platform_product_invariant_results.actor IS
  'Platform Backend: Who recorded the row, or the person the artifact names; empty where nobody is named.';
COMMENT ON COLUMN platform_product_invariant_results.reason IS
  'Platform Backend: Why, in the actor''s words: of a retraction, a waiver or an operator entry.';
COMMENT ON COLUMN platform_product_invariant_results.supersedes_id IS
  'Platform Backend: The row that this one replaces; unique, so a chain is linear. A row that nothing supersedes is current.';
COMMENT ON COLUMN platform_product_invariant_results.retracted IS
  'Platform Backend: True on a row that withdraws the one it supersedes; hidden from current reads, never from history.';
COMMENT ON COLUMN platform_product_invariant_results.recorded_at IS
  'Platform Backend: When the platform learned it; one value for all rows of a transaction. asOf compares with it.';
COMMENT ON COLUMN platform_product_invariant_results.recorded_xid IS
  'Platform Backend: The transaction that wrote the row, so that a change feed can be read without gaps in commit order.';

CREATE TABLE platform_status_component_status (
  id uuid PRIMARY KEY,
  environment text NOT NULL CHECK (environment <> ''),
  component text NOT NULL CHECK (component <> ''),
  status text NOT NULL CHECK (status IN ('operational', 'degraded_performance', 'partial_outage', 'major_outage', 'under_maintenance', 'unknown')),
  message text NOT NULL DEFAULT '',
  observed_at timestamptz NOT NULL,
  source_key text COLLATE "C" NULL CHECK (source_key <> ''),
  source_digest text NULL CHECK (source_digest ~ '^[0-9a-f]{64}$'),
  details jsonb NOT NULL DEFAULT '{}',
  actor text NOT NULL DEFAULT '',
  reason text NOT NULL DEFAULT '',
  supersedes_id uuid NULL REFERENCES platform_status_component_status (id),
  retracted boolean NOT NULL DEFAULT false,
  recorded_at timestamptz NOT NULL DEFAULT platform_evidence_recorded_at(),
  recorded_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  CHECK ((source_key IS NULL) = (source_digest IS NULL)),
  CHECK (supersedes_id <> id),
  CHECK (NOT retracted OR (supersedes_id IS NOT NULL AND actor <> '' AND reason <> ''))
);

COMMENT ON TABLE platform_status_component_status IS
  'Platform Backend: Latest component health/readiness snapshots for Status/Ops read models.';
COMMENT ON COLUMN platform_status_component_status.id IS
  'Platform Backend: UUIDv7 made by the writer; the same string in GraphQL, REST, the CLI and here.';
COMMENT ON COLUMN platform_status_component_status.environment IS
  'Platform Backend: Where the component runs.';
COMMENT ON COLUMN platform_status_component_status.component IS
  'Platform Backend: The component''s stable name.';
COMMENT ON COLUMN platform_status_component_status.status IS
  'Platform Backend: How it was doing.';
COMMENT ON COLUMN platform_status_component_status.message IS
  'Platform Backend: One sentence for a person.';
COMMENT ON COLUMN platform_status_component_status.observed_at IS
  'Platform Backend: When it was observed; the latest snapshot per environment and component is the status.';
COMMENT ON COLUMN platform_status_component_status.source_key IS
  'Platform Backend: Names the probe or the artifact; null for snapshots without one.';
COMMENT ON COLUMN platform_status_component_status.source_digest IS
  'Platform Backend: SHA-256 of the raw artifact, in lower-case hex.';
COMMENT ON COLUMN platform_status_component_status.details IS
  'Platform Backend: External producer details of the probe.';
COMMENT ON COLUMN platform_status_component_status.actor IS
  'Platform Backend: Who recorded the row, or the person the artifact names; empty where nobody is named.';
COMMENT ON COLUMN platform_status_component_status.reason IS
  'Platform Backend: Why, in the actor''s words: of a retraction, a waiver or an operator entry.';
COMMENT ON COLUMN platform_status_component_status.supersedes_id IS
  'Platform Backend: The row that this one replaces; unique, so a chain is linear. A row that nothing supersedes is current.';
COMMENT ON COLUMN platform_status_component_status.retracted IS
  'Platform Backend: True on a row that withdraws the one it supersedes; hidden from current reads, never from history.';
COMMENT ON COLUMN platform_status_component_status.recorded_at IS
  'Platform Backend: When the platform learned it; one value for all rows of a transaction. asOf compares with it.';
COMMENT ON COLUMN platform_status_component_status.recorded_xid IS
  'Platform Backend: The transaction that wrote the row, so that a change feed can be read without gaps in commit order.';

CREATE TABLE platform_guard_report_summaries (
  id uuid PRIMARY KEY,
  bundle_id uuid NULL REFERENCES platform_evidence_bundles (id),
  evidence_item_id uuid NULL REFERENCES platform_evidence_items (id),
  guard text NOT NULL CHECK (guard <> ''),
  source_key text COLLATE "C" NOT NULL CHECK (source_key <> ''),
  source_digest text NOT NULL CHECK (source_digest ~ '^[0-9a-f]{64}$'),
  mode text NOT NULL CHECK (mode IN ('report_only', 'warning', 'blocking')),
  result text NOT NULL CHECK (result IN ('passed', 'warned', 'failed', 'error', 'pending', 'inconclusive', 'skipped', 'not_applicable')),
  findings_critical integer NULL CHECK (findings_critical >= 0),
  findings_high integer NULL CHECK (findings_high >= 0),
  findings_medium integer NULL CHECK (findings_medium >= 0),
  findings_low integer NULL CHECK (findings_low >= 0),
  findings_info integer NULL CHECK (findings_info >= 0),
  findings_unknown integer NULL CHECK (findings_unknown >= 0),
  findings_suppressed integer NULL CHECK (findings_suppressed >= 0),
  artifact_path text NOT NULL DEFAULT '',
  generated_at timestamptz NULL,
  summary jsonb NOT NULL DEFAULT '{}',
  actor text NOT NULL DEFAULT '',
  reason text NOT NULL DEFAULT '',
  supersedes_id uuid NULL REFERENCES platform_guard_report_summaries (id),
  retracted boolean NOT NULL DEFAULT false,
  recorded_at timestamptz NOT NULL DEFAULT platform_evidence_recorded_at(),
  recorded_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  CHECK (supersedes_id <> id),
  CHECK (NOT retracted OR (supersedes_id IS NOT NULL AND actor <> '' AND reason <> ''))
);

COMMENT ON TABLE platform_guard_report_summaries IS
  'Platform Backend: Ingested summaries of report-only/warning/blocking platform-foundation guard reports.';
COMMENT ON COLUMN platform_guard_report_summaries.id IS
  'Platform Backend: UUIDv7 made by the writer; the same string in GraphQL, REST, the CLI and here.';
COMMENT ON COLUMN platform_guard_report_summaries.bundle_id IS
  'Platform Backend: The bundle that the report was made for; null for a report on the platform itself.';
COMMENT ON COLUMN platform_guard_report_summaries.evidence_item_id IS
  'Platform Backend: The item that stands for the same report.';
COMMENT ON COLUMN platform_guard_report_summaries.guard IS
  'Platform Backend: The guard''s stable name.';
COMMENT ON COLUMN platform_guard_report_summaries.source_key IS
  'Platform Backend: Names the check within its bundle, such as ci/junit/unit-tests; rows with the same key form one chain.';
COMMENT ON COLUMN platform_guard_report_summaries.source_digest IS
  'Platform Backend: SHA-256 of the raw artifact, in lower-case hex; with the bundle and source_key it identifies the evidence.';
COMMENT ON COLUMN platform_guard_report_summaries.mode IS
  'Platform Backend: How hard the guard bites.';
COMMENT ON COLUMN platform_guard_report_summaries.result IS
  'Platform Backend: The classified outcome.';
COMMENT ON COLUMN platform_guard_report_summaries.findings_critical IS
  'Platform Backend: Open findings of severity critical.';
COMMENT ON COLUMN platform_guard_report_summaries.findings_high IS
  'Platform Backend: Open findings of severity high.';
COMMENT ON COLUMN platform_guard_report_summaries.findings_medium IS
  'Platform Backend: Open findings of severity medium.';
COMMENT ON COLUMN platform_guard_report_summaries.findings_low IS
  'Platform Backend: Open findings of severity low.';
COMMENT ON COLUMN platform_guard_report_summaries.findings_info IS
  'Platform Backend: Open findings of severity info.';
COMMENT ON COLUMN platform_guard_report_summaries.findings_unknown IS
  'Platform Backend: Open findings of severity unknown.';
COMMENT ON COLUMN platform_guard_report_summaries.findings_suppressed IS
  'Platform Backend: Findings that somebody suppressed, dismissed or stated as not affecting; counted nowhere else.';
COMMENT ON COLUMN platform_guard_report_summaries.artifact_path IS
  'Platform Backend: Where the raw guard artifact lies.';
COMMENT ON COLUMN platform_guard_report_summaries.generated_at IS
  'Platform Backend: When the report was made; null where it does not say.';
COMMENT ON COLUMN platform_guard_report_summaries.summary IS
  'Platform Backend: External producer details: the top findings.';
COMMENT ON COLUMN platform_guard_report_summaries.actor IS
  'Platform Backend: Who recorded the row, or the person the artifact names; empty where nobody is named.';
COMMENT ON COLUMN platform_guard_report_summaries.reason IS
  'Platform Backend: Why, in the actor''s words: of a retraction, a waiver or an operator entry.';
COMMENT ON COLUMN platform_guard_report_summaries.supersedes_id IS
  'Platform Backend: The row that this one replaces; unique, so a chain is linear. A row that nothing supersedes is current.';
COMMENT ON COLUMN platform_guard_report_summaries.retracted IS
  'Platform Backend: True on a row that withdraws the one it supersedes; hidden from current reads, never from history.';
COMMENT ON COLUMN platform_guard_report_summaries.recorded_at IS
  'Platform Backend: When the platform learned it; one value for all rows of a transaction. asOf compares with it.';
COMMENT ON COLUMN platform_guard_report_summaries.recorded_xid IS
  'Platform Backend: The transaction that wrote the row, so that a change feed can be read without gaps in commit order.';

-- A chain is linear: one successor a row, one root a source. Two writers cannot both win.
-- The source key comes right after the bundle, and in the order of its bytes, so that the rows of one artifact, its
-- parts included, lie together whatever table they are in.

CREATE UNIQUE INDEX platform_evidence_bundles_supersedes ON platform_evidence_bundles (supersedes_id) WHERE supersedes_id IS NOT NULL;
CREATE UNIQUE INDEX platform_evidence_items_supersedes ON platform_evidence_items (supersedes_id) WHERE supersedes_id IS NOT NULL;
CREATE UNIQUE INDEX platform_release_gate_results_supersedes ON platform_release_gate_results (supersedes_id) WHERE supersedes_id IS NOT NULL;
CREATE UNIQUE INDEX platform_product_invariant_results_supersedes ON platform_product_invariant_results (supersedes_id) WHERE supersedes_id IS NOT NULL;
CREATE UNIQUE INDEX platform_status_component_status_supersedes ON platform_status_component_status (supersedes_id) WHERE supersedes_id IS NOT NULL;
CREATE UNIQUE INDEX platform_guard_report_summaries_supersedes ON platform_guard_report_summaries (supersedes_id) WHERE supersedes_id IS NOT NULL;

CREATE UNIQUE INDEX platform_evidence_items_root ON platform_evidence_items (bundle_id, source_key) WHERE supersedes_id IS NULL;
CREATE UNIQUE INDEX platform_release_gate_results_root ON platform_release_gate_results (bundle_id, source_key, gate) WHERE supersedes_id IS NULL;
CREATE UNIQUE INDEX platform_product_invariant_results_root ON platform_product_invariant_results (bundle_id, source_key, invariant_id) WHERE supersedes_id IS NULL;

CREATE UNIQUE INDEX platform_status_component_status_source ON platform_status_component_status (environment, component, source_key, source_digest) WHERE source_key IS NOT NULL;
CREATE UNIQUE INDEX platform_guard_report_summaries_source ON platform_guard_report_summaries (bundle_id, source_key, guard, source_digest) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX platform_guard_report_summaries_root ON platform_guard_report_summaries (bundle_id, source_key, guard) NULLS NOT DISTINCT WHERE supersedes_id IS NULL;

-- The seed's initial indexes, and the orders that pages are read in.

CREATE INDEX platform_evidence_bundles_lookup ON platform_evidence_bundles (environment, profile, product, updated_at DESC, id DESC);
CREATE INDEX platform_evidence_bundles_product ON platform_evidence_bundles (environment, product, updated_at DESC, id DESC);
CREATE INDEX platform_evidence_bundles_updated ON platform_evidence_bundles (updated_at DESC, id DESC);
CREATE INDEX platform_evidence_bundles_created ON platform_evidence_bundles (created_at DESC, id DESC);

CREATE INDEX platform_evidence_items_lookup ON platform_evidence_items (bundle_id, evidence_type, result, completed_at DESC);
CREATE INDEX platform_evidence_items_bundle ON platform_evidence_items (bundle_id, id);
CREATE INDEX platform_evidence_items_recorded ON platform_evidence_items (bundle_id, recorded_at DESC);

CREATE INDEX platform_release_gate_results_lookup ON platform_release_gate_results (bundle_id, result);
CREATE INDEX platform_release_gate_results_bundle ON platform_release_gate_results (bundle_id, id);
CREATE INDEX platform_release_gate_results_recorded ON platform_release_gate_results (bundle_id, recorded_at DESC);

CREATE INDEX platform_product_invariant_results_lookup ON platform_product_invariant_results (bundle_id, invariant_id, result);
CREATE INDEX platform_product_invariant_results_bundle ON platform_product_invariant_results (bundle_id, id);
CREATE INDEX platform_product_invariant_results_recorded ON platform_product_invariant_results (bundle_id, recorded_at DESC);
CREATE INDEX platform_product_invariant_results_item ON platform_product_invariant_results (evidence_item_id) WHERE evidence_item_id IS NOT NULL;

CREATE INDEX platform_status_component_status_lookup ON platform_status_component_status (environment, component, status);
CREATE INDEX platform_status_component_status_latest ON platform_status_component_status (environment, component, observed_at DESC, id DESC);

CREATE INDEX platform_guard_report_summaries_lookup ON platform_guard_report_summaries (guard, generated_at DESC);
CREATE INDEX platform_guard_report_summaries_generated ON platform_guard_report_summaries (generated_at DESC NULLS LAST, id DESC);
CREATE INDEX platform_guard_report_summaries_bundle ON platform_guard_report_summaries (bundle_id, id) WHERE bundle_id IS NOT NULL;
CREATE INDEX platform_guard_report_summaries_item ON platform_guard_report_summaries (evidence_item_id) WHERE evidence_item_id IS NOT NULL;

-- Append-only: the database says no, and why.

CREATE FUNCTION platform_evidence_append_only() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'evidence is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation',
          DETAIL = 'Audit evidence is never rewritten or erased; earlier release posture must stay readable.',
          HINT = 'Insert a row whose supersedes_id names the row to replace; to withdraw it, set retracted, reason and actor on that new row.';
END $$;
COMMENT ON FUNCTION platform_evidence_append_only() IS 'Platform Backend: refuses to change or remove evidence.';

CREATE FUNCTION platform_evidence_bundle_update() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  expected platform_evidence_bundles := OLD;
BEGIN
  expected.updated_at := NEW.updated_at;
  -- Depth 1 is a statement of a client; only the touch trigger below reaches here at depth 2.
  IF pg_trigger_depth() > 1 AND NEW.updated_at >= OLD.updated_at AND NEW IS NOT DISTINCT FROM expected THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'evidence is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation',
          DETAIL = 'Only updated_at of a bundle moves, and only by the trigger that follows its rows.',
          HINT = 'Insert a bundle whose supersedes_id names the bundle to replace.';
END $$;
COMMENT ON FUNCTION platform_evidence_bundle_update() IS
  'Platform Backend: lets the touch trigger move updated_at forward, refuses every other change of a bundle.';

CREATE FUNCTION platform_evidence_touch_bundles() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  -- In id order, so that two writers of many bundles cannot lock each other out.
  PERFORM 1 FROM platform_evidence_bundles
    WHERE id IN (SELECT bundle_id FROM arrived WHERE bundle_id IS NOT NULL) ORDER BY id FOR NO KEY UPDATE;
  UPDATE platform_evidence_bundles AS bundle
    SET updated_at = latest.recorded_at
    FROM (SELECT bundle_id, max(recorded_at) AS recorded_at FROM arrived WHERE bundle_id IS NOT NULL GROUP BY bundle_id) AS latest
    WHERE bundle.id = latest.bundle_id AND bundle.updated_at < latest.recorded_at;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION platform_evidence_touch_bundles() IS
  'Platform Backend: moves the updated_at of the bundles that the statement gave rows to.';

CREATE FUNCTION platform_evidence_check_succession() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  identity text[] := TG_ARGV[0]::text[];
  before_row jsonb;
  name text;
BEGIN
  EXECUTE format('SELECT to_jsonb(old_row) FROM %I AS old_row WHERE id = $1', TG_TABLE_NAME) INTO before_row USING NEW.supersedes_id;
  IF before_row IS NULL THEN
    RAISE EXCEPTION '%: supersedes_id % names no row', TG_TABLE_NAME, NEW.supersedes_id USING ERRCODE = 'foreign_key_violation';
  END IF;
  FOREACH name IN ARRAY identity LOOP
    IF before_row -> name IS DISTINCT FROM to_jsonb(NEW) -> name THEN
      RAISE EXCEPTION '%: a row may supersede only one with the same %; % has %, the new row %',
          TG_TABLE_NAME, name, NEW.supersedes_id, before_row ->> name, to_jsonb(NEW) ->> name
        USING ERRCODE = 'check_violation';
    END IF;
  END LOOP;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION platform_evidence_check_succession() IS
  'Platform Backend: a row supersedes only a row of the same check; the trigger''s argument lists the columns that say so.';

CREATE FUNCTION platform_evidence_bundle_revision() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  predecessor platform_evidence_bundles;
BEGIN
  SELECT * INTO predecessor FROM platform_evidence_bundles WHERE id = NEW.supersedes_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'platform_evidence_bundles: supersedes_id % names no row', NEW.supersedes_id USING ERRCODE = 'foreign_key_violation';
  END IF;
  IF NEW.retracted AND NEW.bundle_key <> predecessor.bundle_key THEN
    RAISE EXCEPTION 'platform_evidence_bundles: a retraction keeps the bundle_key %', predecessor.bundle_key USING ERRCODE = 'check_violation';
  END IF;
  NEW.revision := CASE WHEN NEW.bundle_key = predecessor.bundle_key THEN predecessor.revision + 1 ELSE 1 END;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION platform_evidence_bundle_revision() IS 'Platform Backend: numbers the rows of one bundle_key.';

CREATE TRIGGER append_only_update BEFORE UPDATE ON platform_evidence_bundles
  FOR EACH ROW EXECUTE FUNCTION platform_evidence_bundle_update();
CREATE TRIGGER append_only_client_update BEFORE UPDATE ON platform_evidence_bundles
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER append_only_delete BEFORE DELETE ON platform_evidence_bundles
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON platform_evidence_bundles
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER revision BEFORE INSERT ON platform_evidence_bundles
  FOR EACH ROW WHEN (NEW.supersedes_id IS NOT NULL) EXECUTE FUNCTION platform_evidence_bundle_revision();

CREATE TRIGGER append_only_update BEFORE UPDATE ON platform_evidence_items
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER append_only_delete BEFORE DELETE ON platform_evidence_items
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON platform_evidence_items
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER succession BEFORE INSERT ON platform_evidence_items
  FOR EACH ROW WHEN (NEW.supersedes_id IS NOT NULL)
  EXECUTE FUNCTION platform_evidence_check_succession('{bundle_id,source_key}');
CREATE TRIGGER touch_bundles AFTER INSERT ON platform_evidence_items
  REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_touch_bundles();

CREATE TRIGGER append_only_update BEFORE UPDATE ON platform_release_gate_results
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER append_only_delete BEFORE DELETE ON platform_release_gate_results
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON platform_release_gate_results
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER succession BEFORE INSERT ON platform_release_gate_results
  FOR EACH ROW WHEN (NEW.supersedes_id IS NOT NULL)
  EXECUTE FUNCTION platform_evidence_check_succession('{bundle_id,gate}');
CREATE TRIGGER touch_bundles AFTER INSERT ON platform_release_gate_results
  REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_touch_bundles();

CREATE TRIGGER append_only_update BEFORE UPDATE ON platform_product_invariant_results
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER append_only_delete BEFORE DELETE ON platform_product_invariant_results
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON platform_product_invariant_results
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER succession BEFORE INSERT ON platform_product_invariant_results
  FOR EACH ROW WHEN (NEW.supersedes_id IS NOT NULL)
  EXECUTE FUNCTION platform_evidence_check_succession('{bundle_id,invariant_id,source_key}');
CREATE TRIGGER touch_bundles AFTER INSERT ON platform_product_invariant_results
  REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_touch_bundles();

CREATE TRIGGER append_only_update BEFORE UPDATE ON platform_status_component_status
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER append_only_delete BEFORE DELETE ON platform_status_component_status
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON platform_status_component_status
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER succession BEFORE INSERT ON platform_status_component_status
  FOR EACH ROW WHEN (NEW.supersedes_id IS NOT NULL)
  EXECUTE FUNCTION platform_evidence_check_succession('{environment,component}');

CREATE TRIGGER append_only_update BEFORE UPDATE ON platform_guard_report_summaries
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER append_only_delete BEFORE DELETE ON platform_guard_report_summaries
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON platform_guard_report_summaries
  FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_append_only();
CREATE TRIGGER succession BEFORE INSERT ON platform_guard_report_summaries
  FOR EACH ROW WHEN (NEW.supersedes_id IS NOT NULL)
  EXECUTE FUNCTION platform_evidence_check_succession('{bundle_id,guard,source_key}');
CREATE TRIGGER touch_bundles AFTER INSERT ON platform_guard_report_summaries
  REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION platform_evidence_touch_bundles();

