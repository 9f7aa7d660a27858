-- One statement a table: the row that withdraws another keeps its identity and repeats what it said.
-- Of all: $1 the new id, $2 the id to withdraw, $3 digest, $4 actor, $5 reason.

-- name: row_by_id
-- A row of any table: its noun, its bundle, its table's name for a person, and what replaced it.
SELECT 'bundle' AS noun, row.id AS bundle_id, row.bundle_key AS named, row.retracted, later.id AS later_id,
       later.retracted AS later_retracted, later.actor AS later_actor, later.reason AS later_reason
FROM platform_evidence_bundles AS row LEFT JOIN platform_evidence_bundles AS later ON later.supersedes_id = row.id
WHERE row.id = $1
UNION ALL
SELECT 'item', row.bundle_id, row.source_key, row.retracted, later.id, later.retracted, later.actor, later.reason
FROM platform_evidence_items AS row LEFT JOIN platform_evidence_items AS later ON later.supersedes_id = row.id
WHERE row.id = $1
UNION ALL
SELECT 'gate', row.bundle_id, row.gate, row.retracted, later.id, later.retracted, later.actor, later.reason
FROM platform_release_gate_results AS row LEFT JOIN platform_release_gate_results AS later ON later.supersedes_id = row.id
WHERE row.id = $1
UNION ALL
SELECT 'invariant', row.bundle_id, row.invariant_id, row.retracted, later.id, later.retracted, later.actor, later.reason
FROM platform_product_invariant_results AS row
LEFT JOIN platform_product_invariant_results AS later ON later.supersedes_id = row.id
WHERE row.id = $1
UNION ALL
SELECT 'guard', row.bundle_id, row.guard, row.retracted, later.id, later.retracted, later.actor, later.reason
FROM platform_guard_report_summaries AS row
LEFT JOIN platform_guard_report_summaries AS later ON later.supersedes_id = row.id
WHERE row.id = $1
UNION ALL
SELECT 'component', NULL, row.component, row.retracted, later.id, later.retracted, later.actor, later.reason
FROM platform_status_component_status AS row
LEFT JOIN platform_status_component_status AS later ON later.supersedes_id = row.id
WHERE row.id = $1;

-- name: retract_bundle
-- Withdraws a bundle.
INSERT INTO platform_evidence_bundles
  (id, bundle_key, kind, environment, profile, product, title, version, commit_sha, created_at, supersedes_id,
   retracted, actor, reason)
SELECT $1, bundle_key, kind, environment, profile, product, title, version, commit_sha, created_at, id, true, $4, $5
FROM platform_evidence_bundles WHERE id = $2 AND $3::text IS NOT NULL;

-- name: retract_item
-- Withdraws an item.
INSERT INTO platform_evidence_items
  (id, bundle_id, evidence_type, source_key, source_digest, format, title, result, supersedes_id, retracted, actor,
   reason,
   run, job, mismatched, subject, identity, artifact_path)
SELECT $1, bundle_id, evidence_type, source_key, $3, format, title, result, id, true, $4, $5,
       run, job, mismatched, subject, identity, artifact_path
FROM platform_evidence_items WHERE id = $2;

-- name: retract_gate
-- Withdraws a gate result, an approval or a waiver.
INSERT INTO platform_release_gate_results
  (id, bundle_id, gate, source_key, source_digest, result, enforcement, supersedes_id, retracted, actor, reason,
   run, job, mismatched, subject, identity)
SELECT $1, bundle_id, gate, source_key, $3, result, enforcement, id, true, $4, $5,
       run, job, mismatched, subject, identity
FROM platform_release_gate_results WHERE id = $2;

-- name: retract_invariant
-- Withdraws an invariant result.
INSERT INTO platform_product_invariant_results
  (id, bundle_id, invariant_id, source_key, source_digest, area, title, result, supersedes_id, retracted, actor, reason,
   run, job, mismatched)
SELECT $1, bundle_id, invariant_id, source_key, $3, area, title, result, id, true, $4, $5,
       run, job, mismatched
FROM platform_product_invariant_results WHERE id = $2;

-- name: retract_guard
-- Withdraws a guard summary.
INSERT INTO platform_guard_report_summaries
  (id, bundle_id, guard, source_key, source_digest, mode, result, generated_at, supersedes_id, retracted, actor, reason,
   run, job, mismatched, subject, identity, artifact_path)
SELECT $1, bundle_id, guard, source_key, $3, mode, result, generated_at, id, true, $4, $5,
       run, job, mismatched, subject, identity, artifact_path
FROM platform_guard_report_summaries WHERE id = $2;

-- name: retract_component
-- Withdraws a snapshot; the one before it is the status again.
INSERT INTO platform_status_component_status
  (id, environment, component, status, observed_at, source_key, source_digest, supersedes_id, retracted, actor, reason)
SELECT $1, environment, component, status, observed_at, source_key, CASE WHEN source_key IS NOT NULL THEN $3::text END,
       id, true, $4, $5
FROM platform_status_component_status WHERE id = $2;
