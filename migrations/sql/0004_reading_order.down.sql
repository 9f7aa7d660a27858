CREATE INDEX platform_evidence_items_recorded ON platform_evidence_items (bundle_id, recorded_at DESC);
CREATE INDEX platform_release_gate_results_recorded ON platform_release_gate_results (bundle_id, recorded_at DESC);
CREATE INDEX platform_product_invariant_results_recorded ON platform_product_invariant_results (bundle_id, recorded_at DESC);

DROP INDEX
  platform_evidence_items_order,
  platform_release_gate_results_order,
  platform_product_invariant_results_order;
