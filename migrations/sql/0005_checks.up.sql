-- Which row counts: what a report is of, in which run it was made, and why it counts or does not. Rows from before keep
-- their meaning: they name no subject, so that their source key alone says which check they are of.

ALTER TABLE platform_evidence_items
  ADD COLUMN run text NOT NULL DEFAULT '',
  ADD COLUMN job text NOT NULL DEFAULT '',
  ADD COLUMN late boolean NOT NULL DEFAULT false,
  ADD COLUMN mismatched text NOT NULL DEFAULT '',
  ADD COLUMN confirms boolean NOT NULL DEFAULT false,
  ADD COLUMN subject text NOT NULL DEFAULT '',
  ADD COLUMN identity jsonb NULL,
  ADD COLUMN url text NOT NULL DEFAULT '' CHECK (url = '' OR url ~ '^[Hh][Tt][Tt][Pp][Ss]?://'),
  ADD CHECK (NOT late OR supersedes_id IS NULL);
COMMENT ON COLUMN platform_evidence_items.run IS
  'Platform Backend: The run of the pipeline that brought it, as the CI numbers runs; empty where none is known. The same bytes from another run confirm a result.';
COMMENT ON COLUMN platform_evidence_items.job IS
  'Platform Backend: The CI''s job that brought it; empty where none is known.';
COMMENT ON COLUMN platform_evidence_items.late IS
  'Platform Backend: True on a row that says it was made before the one in force when it came: kept, never current.';
COMMENT ON COLUMN platform_evidence_items.mismatched IS
  'Platform Backend: What the artifact says it is of and the bundle is not, such as a commit: shown, never proof. Empty where nothing contradicts.';
COMMENT ON COLUMN platform_evidence_items.confirms IS
  'Platform Backend: True on a row that repeats its predecessor from another run: it counts as fresh from when it was recorded.';
COMMENT ON COLUMN platform_evidence_items.subject IS
  'Platform Backend: What the artifact itself says it reports on, for a person; empty where it says nothing.';
COMMENT ON COLUMN platform_evidence_items.identity IS
  'Platform Backend: The same in full, by which reports of one check are told from those of another; null on rows from before.';
COMMENT ON COLUMN platform_evidence_items.url IS
  'Platform Backend: Where a person sees the run, job or report; empty where the artifact names no place.';

ALTER TABLE platform_release_gate_results
  ADD COLUMN run text NOT NULL DEFAULT '',
  ADD COLUMN job text NOT NULL DEFAULT '',
  ADD COLUMN late boolean NOT NULL DEFAULT false,
  ADD COLUMN mismatched text NOT NULL DEFAULT '',
  ADD COLUMN confirms boolean NOT NULL DEFAULT false,
  ADD COLUMN subject text NOT NULL DEFAULT '',
  ADD COLUMN identity jsonb NULL,
  ADD COLUMN url text NOT NULL DEFAULT '' CHECK (url = '' OR url ~ '^[Hh][Tt][Tt][Pp][Ss]?://'),
  ADD CHECK (NOT late OR supersedes_id IS NULL);
COMMENT ON COLUMN platform_release_gate_results.run IS
  'Platform Backend: The run of the pipeline that brought it, as the CI numbers runs; empty where none is known. The same bytes from another run confirm a result.';
COMMENT ON COLUMN platform_release_gate_results.job IS
  'Platform Backend: The CI''s job that brought it; empty where none is known.';
COMMENT ON COLUMN platform_release_gate_results.late IS
  'Platform Backend: True on a row that says it was made before the one in force when it came: kept, never current.';
COMMENT ON COLUMN platform_release_gate_results.mismatched IS
  'Platform Backend: What the artifact says it is of and the bundle is not, such as a commit: shown, never proof. Empty where nothing contradicts.';
COMMENT ON COLUMN platform_release_gate_results.confirms IS
  'Platform Backend: True on a row that repeats its predecessor from another run: it counts as fresh from when it was recorded.';
COMMENT ON COLUMN platform_release_gate_results.subject IS
  'Platform Backend: What the artifact itself says it reports on, for a person; empty where it says nothing.';
COMMENT ON COLUMN platform_release_gate_results.identity IS
  'Platform Backend: The same in full, by which reports of one check are told from those of another; null on rows from before.';
COMMENT ON COLUMN platform_release_gate_results.url IS
  'Platform Backend: Where a person sees the run, job or report; empty where the artifact names no place.';

ALTER TABLE platform_product_invariant_results
  ADD COLUMN run text NOT NULL DEFAULT '',
  ADD COLUMN job text NOT NULL DEFAULT '',
  ADD COLUMN late boolean NOT NULL DEFAULT false,
  ADD COLUMN mismatched text NOT NULL DEFAULT '',
  ADD COLUMN confirms boolean NOT NULL DEFAULT false,
  ADD CHECK (NOT late OR supersedes_id IS NULL);
COMMENT ON COLUMN platform_product_invariant_results.run IS
  'Platform Backend: The run of the pipeline that brought it, as the CI numbers runs; empty where none is known. The same bytes from another run confirm a result.';
COMMENT ON COLUMN platform_product_invariant_results.job IS
  'Platform Backend: The CI''s job that brought it; empty where none is known.';
COMMENT ON COLUMN platform_product_invariant_results.late IS
  'Platform Backend: True on a row that says it was made before the one in force when it came: kept, never current.';
COMMENT ON COLUMN platform_product_invariant_results.mismatched IS
  'Platform Backend: What the artifact says it is of and the bundle is not, such as a commit: shown, never proof. Empty where nothing contradicts.';
COMMENT ON COLUMN platform_product_invariant_results.confirms IS
  'Platform Backend: True on a row that repeats its predecessor from another run: it counts as fresh from when it was recorded.';

ALTER TABLE platform_guard_report_summaries
  ADD COLUMN run text NOT NULL DEFAULT '',
  ADD COLUMN job text NOT NULL DEFAULT '',
  ADD COLUMN late boolean NOT NULL DEFAULT false,
  ADD COLUMN mismatched text NOT NULL DEFAULT '',
  ADD COLUMN confirms boolean NOT NULL DEFAULT false,
  ADD COLUMN subject text NOT NULL DEFAULT '',
  ADD COLUMN identity jsonb NULL,
  ADD COLUMN url text NOT NULL DEFAULT '' CHECK (url = '' OR url ~ '^[Hh][Tt][Tt][Pp][Ss]?://'),
  ADD CHECK (NOT late OR supersedes_id IS NULL);
COMMENT ON COLUMN platform_guard_report_summaries.run IS
  'Platform Backend: The run of the pipeline that brought it, as the CI numbers runs; empty where none is known. The same bytes from another run confirm a result.';
COMMENT ON COLUMN platform_guard_report_summaries.job IS
  'Platform Backend: The CI''s job that brought it; empty where none is known.';
COMMENT ON COLUMN platform_guard_report_summaries.late IS
  'Platform Backend: True on a row that says it was made before the one in force when it came: kept, never current.';
COMMENT ON COLUMN platform_guard_report_summaries.mismatched IS
  'Platform Backend: What the artifact says it is of and the bundle is not, such as a commit: shown, never proof. Empty where nothing contradicts.';
COMMENT ON COLUMN platform_guard_report_summaries.confirms IS
  'Platform Backend: True on a row that repeats its predecessor from another run: it counts as fresh from when it was recorded.';
COMMENT ON COLUMN platform_guard_report_summaries.subject IS
  'Platform Backend: What the artifact itself says it reports on, for a person; empty where it says nothing.';
COMMENT ON COLUMN platform_guard_report_summaries.identity IS
  'Platform Backend: The same in full, by which reports of one check are told from those of another; null on rows from before.';
COMMENT ON COLUMN platform_guard_report_summaries.url IS
  'Platform Backend: Where a person sees the run, job or report; empty where the artifact names no place.';

ALTER TABLE platform_status_component_status
  ADD COLUMN cause text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN url text NOT NULL DEFAULT '' CHECK (url = '' OR url ~ '^[Hh][Tt][Tt][Pp][Ss]?://');
COMMENT ON COLUMN platform_status_component_status.cause IS
  'Platform Backend: The alert or incident that told it: its outage holds until the same one tells otherwise. Empty for what was seen by asking, which holds for a window of time.';
COMMENT ON COLUMN platform_status_component_status.url IS
  'Platform Backend: Where a person sees the run, job or report; empty where the artifact names no place.';

-- Bytes that were seen before and are not in force are evidence anew, so a digest no longer tells rows apart; and what came
-- late stands beside the chain of its check.

ALTER TABLE platform_evidence_items DROP CONSTRAINT platform_evidence_items_bundle_id_source_key_source_digest_key;
DROP INDEX platform_evidence_items_root;
CREATE UNIQUE INDEX platform_evidence_items_root ON platform_evidence_items (bundle_id, source_key) WHERE supersedes_id IS NULL AND NOT late;
CREATE INDEX platform_evidence_items_source ON platform_evidence_items (bundle_id, source_key);

ALTER TABLE platform_release_gate_results DROP CONSTRAINT platform_release_gate_results_bundle_id_source_key_gate_sou_key;
DROP INDEX platform_release_gate_results_root;
CREATE UNIQUE INDEX platform_release_gate_results_root ON platform_release_gate_results (bundle_id, source_key, gate) WHERE supersedes_id IS NULL AND NOT late;
CREATE INDEX platform_release_gate_results_source ON platform_release_gate_results (bundle_id, source_key, gate);

ALTER TABLE platform_product_invariant_results DROP CONSTRAINT platform_product_invariant_re_bundle_id_source_key_invarian_key;
DROP INDEX platform_product_invariant_results_root;
CREATE UNIQUE INDEX platform_product_invariant_results_root ON platform_product_invariant_results (bundle_id, source_key, invariant_id) WHERE supersedes_id IS NULL AND NOT late;
CREATE INDEX platform_product_invariant_results_source ON platform_product_invariant_results (bundle_id, source_key, invariant_id);

DROP INDEX platform_guard_report_summaries_source;
DROP INDEX platform_guard_report_summaries_root;
CREATE UNIQUE INDEX platform_guard_report_summaries_root ON platform_guard_report_summaries (bundle_id, source_key, guard) NULLS NOT DISTINCT WHERE supersedes_id IS NULL AND NOT late;
CREATE INDEX platform_guard_report_summaries_source ON platform_guard_report_summaries (bundle_id, source_key, guard);

DROP INDEX platform_status_component_status_source;
CREATE UNIQUE INDEX platform_status_component_status_source ON platform_status_component_status (environment, component, source_key, source_digest, cause, observed_at) WHERE source_key IS NOT NULL;
