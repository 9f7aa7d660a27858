-- name: earlier_rows
-- What stands in a bundle under the names of an artifact: the last row of each chain, with the key that the chain is known
-- by, and all rows of this very digest, those that came late among them. `last`: nothing supersedes it, and it is of the chain,
-- as what came late and what withdraws that are not; `own`: it is an
-- artifact's, and not withdrawn. A gate's chain may go on under another key, as in a waiver; such a row is last, yet not one
-- that the artifact may withdraw.
-- $1 bundle id, $2 names, $3 digest. A part follows a # mark, what tells apart another check of the name a ~ mark; $ and DEL
-- are the next characters, so that the ranges below hold a name, its parts, the others of the name, and little else.
WITH RECURSIVE family AS (
  SELECT name COLLATE "C" AS start, name || '$' COLLATE "C" AS beyond, name, '#' AS mark FROM unnest($2::text[]) AS name
  UNION ALL
  SELECT name || '~' COLLATE "C", name || E'\x7f' COLLATE "C", name, '~' FROM unnest($2::text[]) AS name
),
gate_chain AS (
  SELECT gate.id, gate.source_key AS known_by
  FROM family JOIN platform_release_gate_results AS gate
    ON gate.bundle_id = $1 AND gate.source_key >= family.start AND gate.source_key < family.beyond
  WHERE gate.source_key = family.name OR starts_with(gate.source_key, family.name || family.mark)
  UNION
  SELECT successor.id, gate_chain.known_by
  FROM gate_chain JOIN platform_release_gate_results AS successor ON successor.supersedes_id = gate_chain.id
)
SELECT 'items' AS noun, item.id, item.source_key, item.source_key AS known_by, '' AS name, item.source_digest, item.result,
       item.run, item.late, item.mismatched, item.identity, coalesce(item.completed_at, item.started_at) AS made,
       item.recorded_at, item.artifact_path, successor.id IS NULL AND NOT item.late AND before.late IS NOT TRUE AS last,
       NOT item.retracted AS own, successor.id IS NOT NULL AS replaced
FROM family JOIN platform_evidence_items AS item
  ON item.bundle_id = $1 AND item.source_key >= family.start AND item.source_key < family.beyond
LEFT JOIN platform_evidence_items AS successor ON successor.supersedes_id = item.id
LEFT JOIN platform_evidence_items AS before ON item.retracted AND before.id = item.supersedes_id
WHERE (item.source_key = family.name OR starts_with(item.source_key, family.name || family.mark))
  AND (successor.id IS NULL OR item.source_digest = $3)
UNION ALL
SELECT 'gates', gate.id, gate.source_key, gate_chain.known_by, gate.gate, gate.source_digest, gate.result,
       gate.run, gate.late, gate.mismatched, gate.identity, gate.evaluated_at,
       gate.recorded_at, '', successor.id IS NULL AND NOT gate.late AND before.late IS NOT TRUE,
       NOT gate.retracted AND gate.source_key = gate_chain.known_by, successor.id IS NOT NULL
FROM gate_chain
JOIN platform_release_gate_results AS gate ON gate.id = gate_chain.id
LEFT JOIN platform_release_gate_results AS successor ON successor.supersedes_id = gate.id
LEFT JOIN platform_release_gate_results AS before ON gate.retracted AND before.id = gate.supersedes_id
WHERE successor.id IS NULL OR gate.source_digest = $3
UNION ALL
SELECT 'invariants', invariant.id, invariant.source_key, invariant.source_key, invariant.invariant_id,
       invariant.source_digest, invariant.result, invariant.run, invariant.late, invariant.mismatched, NULL, NULL,
       invariant.recorded_at, '', successor.id IS NULL AND NOT invariant.late AND before.late IS NOT TRUE,
       NOT invariant.retracted, successor.id IS NOT NULL
FROM family JOIN platform_product_invariant_results AS invariant
  ON invariant.bundle_id = $1 AND invariant.source_key >= family.start AND invariant.source_key < family.beyond
LEFT JOIN platform_product_invariant_results AS successor ON successor.supersedes_id = invariant.id
LEFT JOIN platform_product_invariant_results AS before ON invariant.retracted AND before.id = invariant.supersedes_id
WHERE (invariant.source_key = family.name OR starts_with(invariant.source_key, family.name || family.mark))
  AND (successor.id IS NULL OR invariant.source_digest = $3)
UNION ALL
SELECT 'guards', guard.id, guard.source_key, guard.source_key, guard.guard, guard.source_digest, guard.result,
       guard.run, guard.late, guard.mismatched, guard.identity, guard.generated_at,
       guard.recorded_at, guard.artifact_path, successor.id IS NULL AND NOT guard.late AND before.late IS NOT TRUE,
       NOT guard.retracted, successor.id IS NOT NULL
FROM family JOIN platform_guard_report_summaries AS guard
  ON guard.bundle_id = $1 AND guard.source_key >= family.start AND guard.source_key < family.beyond
LEFT JOIN platform_guard_report_summaries AS successor ON successor.supersedes_id = guard.id
LEFT JOIN platform_guard_report_summaries AS before ON guard.retracted AND before.id = guard.supersedes_id
WHERE (guard.source_key = family.name OR starts_with(guard.source_key, family.name || family.mark))
  AND (successor.id IS NULL OR guard.source_digest = $3);

-- name: rows_of_name
-- The rows in force under the name of a check that was renamed, and whether there ever was one. $1 bundle id, $2 the name.
SELECT 'items' AS noun, item.id, item.source_key, NOT item.retracted AND NOT item.late AND successor.id IS NULL AS current
FROM platform_evidence_items AS item
LEFT JOIN platform_evidence_items AS successor ON successor.supersedes_id = item.id
WHERE item.bundle_id = $1 AND (item.source_key = $2 OR starts_with(item.source_key, $2 || '#'))
UNION ALL
SELECT 'gates', gate.id, gate.source_key, NOT gate.retracted AND NOT gate.late AND successor.id IS NULL
FROM platform_release_gate_results AS gate
LEFT JOIN platform_release_gate_results AS successor ON successor.supersedes_id = gate.id
WHERE gate.bundle_id = $1 AND (gate.source_key = $2 OR starts_with(gate.source_key, $2 || '#'))
UNION ALL
SELECT 'invariants', invariant.id, invariant.source_key,
       NOT invariant.retracted AND NOT invariant.late AND successor.id IS NULL
FROM platform_product_invariant_results AS invariant
LEFT JOIN platform_product_invariant_results AS successor ON successor.supersedes_id = invariant.id
WHERE invariant.bundle_id = $1 AND (invariant.source_key = $2 OR starts_with(invariant.source_key, $2 || '#'))
UNION ALL
SELECT 'guards', guard.id, guard.source_key, NOT guard.retracted AND NOT guard.late AND successor.id IS NULL
FROM platform_guard_report_summaries AS guard
LEFT JOIN platform_guard_report_summaries AS successor ON successor.supersedes_id = guard.id
WHERE guard.bundle_id = $1 AND (guard.source_key = $2 OR starts_with(guard.source_key, $2 || '#'));

-- name: insert_items
-- The items of one artifact. $1 bundle id, $2 the rows as a JSON array.
INSERT INTO platform_evidence_items
  (id, bundle_id, evidence_type, source_key, source_digest, format, title, result, producer, artifact_path,
   tests_total, tests_passed, tests_failed, tests_error, tests_skipped, tests_flaky,
   findings_critical, findings_high, findings_medium, findings_low, findings_info, findings_unknown, findings_suppressed,
   payload, started_at, completed_at, actor, supersedes_id, run, job, late, mismatched, confirms, subject, identity, url)
SELECT id, $1, evidence_type, source_key, source_digest, format, title, result, producer, artifact_path,
       tests_total, tests_passed, tests_failed, tests_error, tests_skipped, tests_flaky,
       findings_critical, findings_high, findings_medium, findings_low, findings_info, findings_unknown,
       findings_suppressed, payload, started_at, completed_at, actor, supersedes_id, run, job, late, mismatched, confirms, subject, identity, url
FROM jsonb_to_recordset($2::jsonb) AS arriving
  (id uuid, evidence_type text, source_key text, source_digest text, format text, title text, result text,
   producer text, artifact_path text,
   tests_total integer, tests_passed integer, tests_failed integer, tests_error integer, tests_skipped integer,
   tests_flaky integer,
   findings_critical integer, findings_high integer, findings_medium integer, findings_low integer,
   findings_info integer, findings_unknown integer, findings_suppressed integer,
   payload jsonb, started_at timestamptz, completed_at timestamptz, actor text, supersedes_id uuid,
   run text, job text, late boolean, mismatched text, confirms boolean, subject text, identity jsonb, url text);

-- name: insert_gates
-- The gate results that an artifact states. $1 bundle id, $2 the rows as a JSON array.
INSERT INTO platform_release_gate_results
  (id, bundle_id, gate, source_key, source_digest, result, enforcement, summary, item_ids, details, evaluated_at,
   actor, reason, supersedes_id, run, job, late, mismatched, confirms, subject, identity, url)
SELECT id, $1, gate, source_key, source_digest, result, enforcement, summary, item_ids, details, evaluated_at,
       actor, reason, supersedes_id, run, job, late, mismatched, confirms, subject, identity, url
FROM jsonb_to_recordset($2::jsonb) AS arriving
  (id uuid, gate text, source_key text, source_digest text, result text, enforcement text, summary text,
   item_ids uuid[], details jsonb, evaluated_at timestamptz, actor text, reason text, supersedes_id uuid,
   run text, job text, late boolean, mismatched text, confirms boolean, subject text, identity jsonb, url text);

-- name: insert_invariants
-- The invariant results of one artifact. $1 bundle id, $2 the rows as a JSON array.
INSERT INTO platform_product_invariant_results
  (id, bundle_id, invariant_id, source_key, source_digest, area, title, result, evidence_item_id, details,
   evaluated_at, actor, supersedes_id, run, job, late, mismatched, confirms)
SELECT id, $1, invariant_id, source_key, source_digest, area, title, result, evidence_item_id, details,
       evaluated_at, actor, supersedes_id, run, job, late, mismatched, confirms
FROM jsonb_to_recordset($2::jsonb) AS arriving
  (id uuid, invariant_id text, source_key text, source_digest text, area text, title text, result text,
   evidence_item_id uuid, details jsonb, evaluated_at timestamptz, actor text, supersedes_id uuid,
   run text, job text, late boolean, mismatched text, confirms boolean);

-- name: insert_guards
-- The guard summaries of one artifact. $1 bundle id, $2 the rows as a JSON array.
INSERT INTO platform_guard_report_summaries
  (id, bundle_id, evidence_item_id, guard, source_key, source_digest, mode, result,
   findings_critical, findings_high, findings_medium, findings_low, findings_info, findings_unknown, findings_suppressed,
   artifact_path, generated_at, summary, actor, supersedes_id, run, job, late, mismatched, confirms, subject, identity, url)
SELECT id, $1, evidence_item_id, guard, source_key, source_digest, mode, result,
       findings_critical, findings_high, findings_medium, findings_low, findings_info, findings_unknown,
       findings_suppressed, artifact_path, generated_at, summary, actor, supersedes_id, run, job, late, mismatched, confirms, subject, identity, url
FROM jsonb_to_recordset($2::jsonb) AS arriving
  (id uuid, evidence_item_id uuid, guard text, source_key text, source_digest text, mode text, result text,
   findings_critical integer, findings_high integer, findings_medium integer, findings_low integer,
   findings_info integer, findings_unknown integer, findings_suppressed integer,
   artifact_path text, generated_at timestamptz, summary jsonb, actor text, supersedes_id uuid,
   run text, job text, late boolean, mismatched text, confirms boolean, subject text, identity jsonb, url text);

-- name: insert_components
-- Snapshots of components. One that says when it was seen is one row however often it comes, also by two bundles of one
-- environment; one that does not say is seen anew each time. In name order, so that two writers cannot lock each other
-- out. `repeats`: the same bytes told of the component before. $1 environment, $2 the rows as a JSON array.
INSERT INTO platform_status_component_status
  (id, environment, component, status, message, observed_at, source_key, source_digest, details, actor, cause, url)
SELECT id, $1, component, status, message, coalesce(observed_at, platform_evidence_recorded_at()), source_key,
       source_digest, details, actor, cause, url
FROM jsonb_to_recordset($2::jsonb) AS arriving
  (id uuid, component text, status text, message text, observed_at timestamptz, source_key text, source_digest text,
   details jsonb, actor text, cause text, url text)
ORDER BY component, cause, observed_at, source_key
ON CONFLICT (environment, component, source_key, source_digest, cause, observed_at) WHERE source_key IS NOT NULL
  DO NOTHING
RETURNING EXISTS (
  SELECT FROM platform_status_component_status AS before
  WHERE before.environment = platform_status_component_status.environment
    AND before.component = platform_status_component_status.component
    AND before.source_key = platform_status_component_status.source_key
    AND before.source_digest = platform_status_component_status.source_digest
    AND before.cause = platform_status_component_status.cause
) AS repeats;

-- name: retract_items
-- Withdraws items that the newest artifact of their key no longer has.
-- $1 ids to withdraw, $2 ids of the new rows, $3 digest of the newest artifact, $4 actor, $5 reason.
INSERT INTO platform_evidence_items
  (id, bundle_id, evidence_type, source_key, source_digest, format, title, result, supersedes_id, retracted, actor, reason,
   run, job, subject, identity, mismatched, artifact_path)
SELECT pair.new_id, old.bundle_id, old.evidence_type, old.source_key, $3, old.format, old.title, old.result, old.id, true,
       $4, $5, old.run, old.job, old.subject, old.identity, old.mismatched, old.artifact_path
FROM unnest($1::uuid[], $2::uuid[]) AS pair (old_id, new_id) JOIN platform_evidence_items AS old ON old.id = pair.old_id;

-- name: retract_gates
-- Withdraws gate results that the newest artifact of their key no longer has. Parameters as of retract_items.
INSERT INTO platform_release_gate_results
  (id, bundle_id, gate, source_key, source_digest, result, enforcement, summary, supersedes_id, retracted, actor, reason,
   run, job, subject, identity, mismatched)
SELECT pair.new_id, old.bundle_id, old.gate, old.source_key, $3, old.result, old.enforcement, old.summary, old.id, true,
       $4, $5, old.run, old.job, old.subject, old.identity, old.mismatched
FROM unnest($1::uuid[], $2::uuid[]) AS pair (old_id, new_id)
JOIN platform_release_gate_results AS old ON old.id = pair.old_id;

-- name: retract_invariants
-- Withdraws invariant results that the newest artifact of their key no longer has. Parameters as of retract_items.
INSERT INTO platform_product_invariant_results
  (id, bundle_id, invariant_id, source_key, source_digest, area, title, result, supersedes_id, retracted, actor, reason,
   run, job, mismatched)
SELECT pair.new_id, old.bundle_id, old.invariant_id, old.source_key, $3, old.area, old.title, old.result, old.id, true,
       $4, $5, old.run, old.job, old.mismatched
FROM unnest($1::uuid[], $2::uuid[]) AS pair (old_id, new_id)
JOIN platform_product_invariant_results AS old ON old.id = pair.old_id;

-- name: retract_guards
-- Withdraws guard summaries that the newest artifact of their key no longer has. Parameters as of retract_items.
INSERT INTO platform_guard_report_summaries
  (id, bundle_id, guard, source_key, source_digest, mode, result, supersedes_id, retracted, actor, reason,
   run, job, subject, identity, mismatched, artifact_path)
SELECT pair.new_id, old.bundle_id, old.guard, old.source_key, $3, old.mode, old.result, old.id, true, $4, $5,
       old.run, old.job, old.subject, old.identity, old.mismatched, old.artifact_path
FROM unnest($1::uuid[], $2::uuid[]) AS pair (old_id, new_id)
JOIN platform_guard_report_summaries AS old ON old.id = pair.old_id;
