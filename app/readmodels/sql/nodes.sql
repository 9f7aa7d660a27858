-- name: nouns_by_ids
-- Which noun each of many ids is of: six probes by primary key.
SELECT bundle.id::text AS id, 'bundle' AS noun FROM platform_evidence_bundles AS bundle WHERE bundle.id = ANY($1::uuid[])
UNION ALL
SELECT item.id::text, 'item' FROM platform_evidence_items AS item WHERE item.id = ANY($1::uuid[])
UNION ALL
SELECT gate.id::text, 'gate' FROM platform_release_gate_results AS gate WHERE gate.id = ANY($1::uuid[])
UNION ALL
SELECT invariant.id::text, 'invariant' FROM platform_product_invariant_results AS invariant WHERE invariant.id = ANY($1::uuid[])
UNION ALL
SELECT component.id::text, 'component' FROM platform_status_component_status AS component WHERE component.id = ANY($1::uuid[])
UNION ALL
SELECT guard.id::text, 'guard' FROM platform_guard_report_summaries AS guard WHERE guard.id = ANY($1::uuid[]);
