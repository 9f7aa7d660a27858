-- What arrived since a snapshot is found by the transaction that wrote it: caches prove themselves fresh by this.

CREATE INDEX platform_evidence_bundles_arrival ON platform_evidence_bundles (recorded_xid);
CREATE INDEX platform_evidence_items_arrival ON platform_evidence_items (recorded_xid);
CREATE INDEX platform_release_gate_results_arrival ON platform_release_gate_results (recorded_xid);
CREATE INDEX platform_product_invariant_results_arrival ON platform_product_invariant_results (recorded_xid);
CREATE INDEX platform_status_component_status_arrival ON platform_status_component_status (recorded_xid);
CREATE INDEX platform_guard_report_summaries_arrival ON platform_guard_report_summaries (recorded_xid);
