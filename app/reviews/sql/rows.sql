-- name: recorded_at
-- Fixes the moment under which this transaction records its rows, and tells it.
SELECT platform_evidence_recorded_at() AS at;

-- name: gate_chain_ends
-- The last row of each chain of gate results that began under some source keys; a chain may have gone on under others. What
-- came late stands beside the chains, and so does what withdrew it.
-- $1 bundle id, $2 source keys.
WITH RECURSIVE chain AS (
  SELECT gate.id, gate.source_key AS known_by
  FROM platform_release_gate_results AS gate
  WHERE gate.bundle_id = $1 AND gate.source_key = ANY($2::text[]) AND gate.supersedes_id IS NULL
    AND NOT gate.late
  UNION ALL
  SELECT successor.id, chain.known_by
  FROM chain JOIN platform_release_gate_results AS successor ON successor.supersedes_id = chain.id
)
SELECT gate.id, chain.known_by, gate.gate, gate.source_key, gate.source_digest, gate.result, gate.enforcement,
       gate.waived, gate.retracted,
       gate.policy_digest, gate.item_ids, gate.details, gate.summary, gate.actor, gate.supersedes_id, gate.recorded_at
FROM chain JOIN platform_release_gate_results AS gate ON gate.id = chain.id
WHERE NOT EXISTS (SELECT FROM platform_release_gate_results AS successor WHERE successor.supersedes_id = gate.id);

-- name: gate_by_id
-- One gate result with what replaced it.
SELECT gate.*, successor.id AS successor_id
FROM platform_release_gate_results AS gate
LEFT JOIN platform_release_gate_results AS successor ON successor.supersedes_id = gate.id
WHERE gate.id = $1;

-- name: insert_gate
-- One gate result.
INSERT INTO platform_release_gate_results
  (id, bundle_id, gate, source_key, source_digest, result, enforcement, summary, waived, expires_at, policy_digest,
   item_ids, details, evaluated_at, actor, reason, supersedes_id, retracted, run, job, subject, identity, url)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23);

-- name: item_chain_end
-- The last item of the chain of a source key, beside which stand what came late and what withdrew that. $1 bundle id,
-- $2 source key.
SELECT item.id, item.source_digest, item.result, item.retracted, item.payload, item.supersedes_id
FROM platform_evidence_items AS item
WHERE item.bundle_id = $1 AND item.source_key = $2 AND NOT item.late
  AND NOT EXISTS (SELECT FROM platform_evidence_items AS successor WHERE successor.supersedes_id = item.id)
  AND NOT EXISTS (SELECT FROM platform_evidence_items AS before WHERE before.id = item.supersedes_id AND before.late);

-- name: item_by_digest
-- An item of a source key that holds this very artifact, wherever in its chain, unless it was withdrawn. $1 bundle id,
-- $2 source key, $3 digest.
SELECT item.id FROM platform_evidence_items AS item
WHERE item.bundle_id = $1 AND item.source_key = $2 AND item.source_digest = $3 AND NOT item.retracted
  AND NOT EXISTS (SELECT FROM platform_evidence_items AS successor
                  WHERE successor.supersedes_id = item.id AND successor.retracted);

-- name: item_by_id
-- One item with its bundle's key.
SELECT item.id, item.bundle_id, item.source_key, item.format, item.source_digest, item.payload, item.recorded_at,
       bundle.bundle_key
FROM platform_evidence_items AS item JOIN platform_evidence_bundles AS bundle ON bundle.id = item.bundle_id
WHERE item.id = $1;

-- name: insert_item
-- One item.
INSERT INTO platform_evidence_items
  (id, bundle_id, evidence_type, source_key, source_digest, format, title, result, producer, payload, completed_at,
   actor, reason, supersedes_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);
