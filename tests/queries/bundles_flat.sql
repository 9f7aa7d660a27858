SELECT pg_current_snapshot()::text AS snapshot, n0, p0, t0
FROM (
  SELECT count(*) AS n0, string_agg(concat_ws(E'\x7f', r0.id, r0.bundle_key, r0.kind, r0.environment, r0.profile, r0.product, r0.title, r0.version, r0.commit_sha), E'\x7f') AS p0, string_agg((r0.updated_at)::text, E'\x7f') AS t0
  FROM (
    SELECT bundle.id AS id, bundle.bundle_key AS bundle_key, bundle.kind AS kind, bundle.environment AS environment, bundle.profile AS profile, bundle.product AS product, bundle.title AS title, bundle.version AS version, bundle.commit_sha AS commit_sha, bundle.updated_at AS updated_at, bundle.updated_at AS sort_key
    FROM platform_evidence_bundles AS bundle
    WHERE true AND NOT bundle.retracted AND NOT EXISTS (
      SELECT FROM platform_evidence_bundles AS later
      WHERE later.supersedes_id = bundle.id
    )
    AND ((bundle.environment = $1::text) AND (bundle.product = $2::text)) AND true
    ORDER BY bundle.updated_at DESC, bundle.id DESC LIMIT 20
  ) AS r0
) AS root0
