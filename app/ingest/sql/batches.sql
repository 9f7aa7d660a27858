-- name: earlier_rows
-- What earlier artifacts of the same source keys left in a bundle: the rows of this very digest, and the last row of
-- each chain with the key the chain is known by. A gate's chain may go on under another key, as in a waiver; such a row
-- is the last, yet not one that the artifact may withdraw, so it is not `current` here.
-- $1 bundle id, $2 source keys of the artifact, $3 digest. A key's parts follow a # mark; $ is the next character, so
-- that the range below holds the key, its parts and little else.
WITH RECURSIVE family AS (SELECT key, key || '#' AS mark, key || '$' AS beyond FROM unnest($2::text[]) AS key),
gate_chain AS (
  SELECT gate.id, gate.source_key AS known_by
  FROM family JOIN platform_release_gate_results AS gate
    ON gate.bundle_id = $1 AND gate.source_key >= key AND gate.source_key < beyond
  WHERE gate.source_key = key OR starts_with(gate.source_key, mark)
  UNION
  SELECT successor.id, gate_chain.known_by
  FROM gate_chain JOIN platform_release_gate_results AS successor ON successor.supersedes_id = gate_chain.id
)
SELECT 'items' AS noun, item.id, item.source_key AS known_by, '' AS name, item.source_digest = $3 AS same,
       successor.id IS NULL AS last, successor.id IS NULL AND NOT item.retracted AS current
FROM family JOIN platform_evidence_items AS item
  ON item.bundle_id = $1 AND item.source_key >= key AND item.source_key < beyond
LEFT JOIN platform_evidence_items AS successor ON successor.supersedes_id = item.id
WHERE (item.source_key = key OR starts_with(item.source_key, mark))
  AND (successor.id IS NULL OR item.source_digest = $3)
UNION ALL
SELECT 'gates', gate.id, gate_chain.known_by, gate.gate,
       gate.source_digest = $3 AND gate.source_key = gate_chain.known_by,
       successor.id IS NULL,
       successor.id IS NULL AND NOT gate.retracted AND gate.source_key = gate_chain.known_by
FROM gate_chain
JOIN platform_release_gate_results AS gate ON gate.id = gate_chain.id
LEFT JOIN platform_release_gate_results AS successor ON successor.supersedes_id = gate.id
WHERE successor.id IS NULL OR gate.source_digest = $3
UNION ALL
SELECT 'invariants', invariant.id, invariant.source_key, invariant.invariant_id, invariant.source_digest = $3,
       successor.id IS NULL, successor.id IS NULL AND NOT invariant.retracted
FROM family JOIN platform_product_invariant_results AS invariant
  ON invariant.bundle_id = $1 AND invariant.source_key >= key AND invariant.source_key < beyond
LEFT JOIN platform_product_invariant_results AS successor ON successor.supersedes_id = invariant.id
WHERE (invariant.source_key = key OR starts_with(invariant.source_key, mark))
  AND (successor.id IS NULL OR invariant.source_digest = $3)
UNION ALL
SELECT 'guards', guard.id, guard.source_key, guard.guard, guard.source_digest = $3,
       successor.id IS NULL, successor.id IS NULL AND NOT guard.retracted
FROM family JOIN platform_guard_report_summaries AS guard
  ON guard.bundle_id = $1 AND guard.source_key >= key AND guard.source_key < beyond
LEFT JOIN platform_guard_report_summaries AS successor ON successor.supersedes_id = guard.id
WHERE (guard.source_key = key OR starts_with(guard.source_key, mark))
  AND (successor.id IS NULL OR guard.source_digest = $3);

-- name: insert_items
-- The items of one artifact. $1 bundle id, $2 the rows as a JSON array.
INSERT INTO platform_evidence_items
  (id, bundle_id, evidence_type, source_key, source_digest, format, title, result, producer, artifact_path,
   tests_total, tests_passed, tests_failed, tests_error, tests_skipped, tests_flaky,
   findings_critical, findings_high, findings_medium, findings_low, findings_info, findings_unknown, findings_suppressed,
   payload, started_at, completed_at, actor, supersedes_id)
SELECT id, $1, evidence_type, source_key, source_digest, format, title, result, producer, artifact_path,
       tests_total, tests_passed, tests_failed, tests_error, tests_skipped, tests_flaky,
       findings_critical, findings_high, findings_medium, findings_low, findings_info, findings_unknown,
       findings_suppressed, payload, started_at, completed_at, actor, supersedes_id
FROM jsonb_to_recordset($2::jsonb) AS arriving
  (id uuid, evidence_type text, source_key text, source_digest text, format text, title text, result text,
   producer text, artifact_path text,
   tests_total integer, tests_passed integer, tests_failed integer, tests_error integer, tests_skipped integer,
   tests_flaky integer,
   findings_critical integer, findings_high integer, findings_medium integer, findings_low integer,
   findings_info integer, findings_unknown integer, findings_suppressed integer,
   payload jsonb, started_at timestamptz, completed_at timestamptz, actor text, supersedes_id uuid);

-- name: insert_gates
-- The gate results that an artifact states. $1 bundle id, $2 the rows as a JSON array.
INSERT INTO platform_release_gate_results
  (id, bundle_id, gate, source_key, source_digest, result, enforcement, summary, item_ids, details, evaluated_at,
   actor, reason, supersedes_id)
SELECT id, $1, gate, source_key, source_digest, result, enforcement, summary, item_ids, details, evaluated_at,
       actor, reason, supersedes_id
FROM jsonb_to_recordset($2::jsonb) AS arriving
  (id uuid, gate text, source_key text, source_digest text, result text, enforcement text, summary text,
   item_ids uuid[], details jsonb, evaluated_at timestamptz, actor text, reason text, supersedes_id uuid);

-- name: insert_invariants
-- The invariant results of one artifact. $1 bundle id, $2 the rows as a JSON array.
INSERT INTO platform_product_invariant_results
  (id, bundle_id, invariant_id, source_key, source_digest, area, title, result, evidence_item_id, details,
   evaluated_at, actor, supersedes_id)
SELECT id, $1, invariant_id, source_key, source_digest, area, title, result, evidence_item_id, details,
       evaluated_at, actor, supersedes_id
FROM jsonb_to_recordset($2::jsonb) AS arriving
  (id uuid, invariant_id text, source_key text, source_digest text, area text, title text, result text,
   evidence_item_id uuid, details jsonb, evaluated_at timestamptz, actor text, supersedes_id uuid);

-- name: insert_guards
-- The guard summaries of one artifact. $1 bundle id, $2 the rows as a JSON array.
INSERT INTO platform_guard_report_summaries
  (id, bundle_id, evidence_item_id, guard, source_key, source_digest, mode, result,
   findings_critical, findings_high, findings_medium, findings_low, findings_info, findings_unknown, findings_suppressed,
   artifact_path, generated_at, summary, actor, supersedes_id)
SELECT id, $1, evidence_item_id, guard, source_key, source_digest, mode, result,
       findings_critical, findings_high, findings_medium, findings_low, findings_info, findings_unknown,
       findings_suppressed, artifact_path, generated_at, summary, actor, supersedes_id
FROM jsonb_to_recordset($2::jsonb) AS arriving
  (id uuid, evidence_item_id uuid, guard text, source_key text, source_digest text, mode text, result text,
   findings_critical integer, findings_high integer, findings_medium integer, findings_low integer,
   findings_info integer, findings_unknown integer, findings_suppressed integer,
   artifact_path text, generated_at timestamptz, summary jsonb, actor text, supersedes_id uuid);

-- name: insert_components
-- Snapshots of components; those that are there already are passed over, for they belong to no bundle, and two bundles
-- of one environment may bring the same file. In name order, so that two writers cannot lock each other out.
-- $1 environment, $2 the rows as a JSON array.
INSERT INTO platform_status_component_status
  (id, environment, component, status, message, observed_at, source_key, source_digest, details, actor)
SELECT id, $1, component, status, message, coalesce(observed_at, platform_evidence_recorded_at()), source_key,
       source_digest, details, actor
FROM jsonb_to_recordset($2::jsonb) AS arriving
  (id uuid, component text, status text, message text, observed_at timestamptz, source_key text, source_digest text,
   details jsonb, actor text)
ORDER BY component, source_key
ON CONFLICT (environment, component, source_key, source_digest) WHERE source_key IS NOT NULL DO NOTHING
RETURNING id;

-- name: retract_items
-- Withdraws items that the newest artifact of their key no longer has.
-- $1 ids to withdraw, $2 ids of the new rows, $3 digest of the newest artifact, $4 actor, $5 reason.
INSERT INTO platform_evidence_items
  (id, bundle_id, evidence_type, source_key, source_digest, format, title, result, supersedes_id, retracted, actor, reason)
SELECT pair.new_id, old.bundle_id, old.evidence_type, old.source_key, $3, old.format, old.title, old.result, old.id, true,
       $4, $5
FROM unnest($1::uuid[], $2::uuid[]) AS pair (old_id, new_id) JOIN platform_evidence_items AS old ON old.id = pair.old_id;

-- name: retract_gates
-- Withdraws gate results that the newest artifact of their key no longer has. Parameters as of retract_items.
INSERT INTO platform_release_gate_results
  (id, bundle_id, gate, source_key, source_digest, result, enforcement, summary, supersedes_id, retracted, actor, reason)
SELECT pair.new_id, old.bundle_id, old.gate, old.source_key, $3, old.result, old.enforcement, old.summary, old.id, true,
       $4, $5
FROM unnest($1::uuid[], $2::uuid[]) AS pair (old_id, new_id)
JOIN platform_release_gate_results AS old ON old.id = pair.old_id;

-- name: retract_invariants
-- Withdraws invariant results that the newest artifact of their key no longer has. Parameters as of retract_items.
INSERT INTO platform_product_invariant_results
  (id, bundle_id, invariant_id, source_key, source_digest, area, title, result, supersedes_id, retracted, actor, reason)
SELECT pair.new_id, old.bundle_id, old.invariant_id, old.source_key, $3, old.area, old.title, old.result, old.id, true,
       $4, $5
FROM unnest($1::uuid[], $2::uuid[]) AS pair (old_id, new_id)
JOIN platform_product_invariant_results AS old ON old.id = pair.old_id;

-- name: retract_guards
-- Withdraws guard summaries that the newest artifact of their key no longer has. Parameters as of retract_items.
INSERT INTO platform_guard_report_summaries
  (id, bundle_id, guard, source_key, source_digest, mode, result, supersedes_id, retracted, actor, reason)
SELECT pair.new_id, old.bundle_id, old.guard, old.source_key, $3, old.mode, old.result, old.id, true, $4, $5
FROM unnest($1::uuid[], $2::uuid[]) AS pair (old_id, new_id)
JOIN platform_guard_report_summaries AS old ON old.id = pair.old_id;
