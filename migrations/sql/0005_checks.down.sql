-- Fails, and changes nothing, where evidence came that the earlier rules cannot hold: the same bytes twice, or late.

DROP INDEX platform_guard_report_summaries_source;
DROP INDEX platform_guard_report_summaries_root;
CREATE UNIQUE INDEX platform_guard_report_summaries_root ON platform_guard_report_summaries (bundle_id, source_key, guard) NULLS NOT DISTINCT WHERE supersedes_id IS NULL;
CREATE UNIQUE INDEX platform_guard_report_summaries_source ON platform_guard_report_summaries (bundle_id, source_key, guard, source_digest) NULLS NOT DISTINCT;
DROP INDEX platform_product_invariant_results_source;
DROP INDEX platform_product_invariant_results_root;
CREATE UNIQUE INDEX platform_product_invariant_results_root ON platform_product_invariant_results (bundle_id, source_key, invariant_id) WHERE supersedes_id IS NULL;
ALTER TABLE platform_product_invariant_results ADD UNIQUE (bundle_id, source_key, invariant_id, source_digest);
DROP INDEX platform_release_gate_results_source;
DROP INDEX platform_release_gate_results_root;
CREATE UNIQUE INDEX platform_release_gate_results_root ON platform_release_gate_results (bundle_id, source_key, gate) WHERE supersedes_id IS NULL;
ALTER TABLE platform_release_gate_results ADD UNIQUE (bundle_id, source_key, gate, source_digest);
DROP INDEX platform_evidence_items_source;
DROP INDEX platform_evidence_items_root;
CREATE UNIQUE INDEX platform_evidence_items_root ON platform_evidence_items (bundle_id, source_key) WHERE supersedes_id IS NULL;
ALTER TABLE platform_evidence_items ADD UNIQUE (bundle_id, source_key, source_digest);
ALTER TABLE platform_evidence_items
  DROP COLUMN run,
  DROP COLUMN job,
  DROP COLUMN late,
  DROP COLUMN mismatched,
  DROP COLUMN confirms,
  DROP COLUMN subject,
  DROP COLUMN identity,
  DROP COLUMN url;
ALTER TABLE platform_release_gate_results
  DROP COLUMN run,
  DROP COLUMN job,
  DROP COLUMN late,
  DROP COLUMN mismatched,
  DROP COLUMN confirms,
  DROP COLUMN subject,
  DROP COLUMN identity,
  DROP COLUMN url;
ALTER TABLE platform_product_invariant_results
  DROP COLUMN run,
  DROP COLUMN job,
  DROP COLUMN late,
  DROP COLUMN mismatched,
  DROP COLUMN confirms;
ALTER TABLE platform_guard_report_summaries
  DROP COLUMN run,
  DROP COLUMN job,
  DROP COLUMN late,
  DROP COLUMN mismatched,
  DROP COLUMN confirms,
  DROP COLUMN subject,
  DROP COLUMN identity,
  DROP COLUMN url;
ALTER TABLE platform_status_component_status
  DROP COLUMN cause,
  DROP COLUMN url;

CREATE UNIQUE INDEX platform_status_component_status_source ON platform_status_component_status (environment, component, source_key, source_digest) WHERE source_key IS NOT NULL;
