-- name: lock_bundle_key
-- Lets one writer at a time at a bundle key, to the end of its transaction; waits as long as lock_timeout allows.
-- The two-key form keeps these locks apart from the one that fixes recorded_at.
SELECT pg_advisory_xact_lock(730541, hashtext($1));

-- name: bundle_by_key
-- What a bundle key means: its latest revision.
SELECT id, bundle_key, revision, kind, environment, profile, product, title, version, commit_sha,
       retracted, actor, reason
FROM platform_evidence_bundles
WHERE bundle_key = $1
ORDER BY revision DESC
LIMIT 1;

-- name: bundle_key_by_id
-- The key of a bundle that was named by its id.
SELECT bundle_key FROM platform_evidence_bundles WHERE id = $1;

-- name: insert_bundle
-- The first row of a bundle key.
INSERT INTO platform_evidence_bundles
  (id, bundle_key, kind, environment, profile, product, title, version, commit_sha, actor)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
