-- Refuses while any table holds evidence: a migration may not erase what the tables exist to keep.
DO $$
DECLARE
  name text;
  held boolean;
BEGIN
  FOREACH name IN ARRAY ARRAY['platform_evidence_bundles', 'platform_evidence_items', 'platform_release_gate_results', 'platform_product_invariant_results', 'platform_status_component_status', 'platform_guard_report_summaries'] LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO held;
    IF held THEN
      RAISE EXCEPTION 'evidence is append-only: % holds rows, so the schema cannot be taken down', name USING ERRCODE = 'restrict_violation';
    END IF;
  END LOOP;
END $$;

DROP TABLE
  platform_guard_report_summaries,
  platform_status_component_status,
  platform_product_invariant_results,
  platform_release_gate_results,
  platform_evidence_items,
  platform_evidence_bundles;
DROP FUNCTION platform_evidence_bundle_revision();
DROP FUNCTION platform_evidence_check_succession();
DROP FUNCTION platform_evidence_touch_bundles();
DROP FUNCTION platform_evidence_bundle_update();
DROP FUNCTION platform_evidence_append_only();
DROP FUNCTION platform_evidence_recorded_at();
