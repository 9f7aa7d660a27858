DROP INDEX
  platform_guard_report_summaries_arrival,
  platform_status_component_status_arrival,
  platform_product_invariant_results_arrival,
  platform_release_gate_results_arrival,
  platform_evidence_items_arrival,
  platform_evidence_bundles_arrival;
