-- A bundle's rows are read in the order (recorded_at, id): with the id in the index nothing is left to sort.

CREATE INDEX platform_evidence_items_order ON platform_evidence_items (bundle_id, recorded_at DESC, id DESC);
CREATE INDEX platform_release_gate_results_order ON platform_release_gate_results (bundle_id, recorded_at DESC, id DESC);
CREATE INDEX platform_product_invariant_results_order ON platform_product_invariant_results (bundle_id, recorded_at DESC, id DESC);

DROP INDEX
  platform_evidence_items_recorded,
  platform_release_gate_results_recorded,
  platform_product_invariant_results_recorded;
