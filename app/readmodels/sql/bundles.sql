-- name: bundle_ids_by_keys
-- What each of many bundle keys means: the latest revision recorded by then.
SELECT DISTINCT ON (bundle.bundle_key) bundle.bundle_key, bundle.id::text AS id
FROM platform_evidence_bundles AS bundle
WHERE bundle.bundle_key = ANY({keys}) AND {where}
ORDER BY bundle.bundle_key, bundle.revision DESC;
