-- What a verdict is decided from. Slots in braces are filled by app/readmodels/readiness.py, values are parameters.

-- name: moment
-- The time of asking, by the database's clock, as rows' recorded_at is; taken before the snapshot is.
SELECT statement_timestamp() AS at;

-- name: bundles_by_ids
-- The bundles asked for, whether current or not.
SELECT {columns}
FROM platform_evidence_bundles AS bundle
WHERE bundle.id = ANY({ids}) AND {where};

-- name: newest_bundles
-- The newest current bundle of each profile and product of an environment: one index probe for each of `pairs`.
SELECT newest.*
FROM ({pairs}) AS pair (profile, product)
CROSS JOIN LATERAL (
  SELECT {columns}
  FROM platform_evidence_bundles AS bundle
  WHERE bundle.environment = {environment} AND bundle.profile = pair.profile AND bundle.product = pair.product
    AND {where}
  ORDER BY bundle.created_at DESC, bundle.id DESC
  LIMIT 1
) AS newest
ORDER BY newest.id;

-- name: pairs_of_environment
-- Its profiles and products, found by skipping along the index.
WITH RECURSIVE pair AS (
  (
    SELECT first.profile, first.product
    FROM platform_evidence_bundles AS first
    WHERE first.environment = {environment}
    ORDER BY first.profile, first.product LIMIT 1
  )
  UNION ALL
  SELECT next.profile, next.product
  FROM pair CROSS JOIN LATERAL (
    SELECT further.profile, further.product
    FROM platform_evidence_bundles AS further
    WHERE further.environment = {environment}
      AND (further.profile, further.product) > (pair.profile, pair.product)
    ORDER BY further.profile, further.product LIMIT 1
  ) AS next
)
SELECT profile, product FROM pair;

-- name: pairs_of_profile
-- One profile with its products.
WITH RECURSIVE pair AS (
  (
    SELECT first.product
    FROM platform_evidence_bundles AS first
    WHERE first.environment = {environment} AND first.profile = {profile}
    ORDER BY first.product LIMIT 1
  )
  UNION ALL
  SELECT next.product
  FROM pair CROSS JOIN LATERAL (
    SELECT further.product
    FROM platform_evidence_bundles AS further
    WHERE further.environment = {environment} AND further.profile = {profile} AND further.product > pair.product
    ORDER BY further.product LIMIT 1
  ) AS next
)
SELECT {profile}, product FROM pair;

-- name: pairs_of_product
-- One product with the profiles of the environment, whether or not it has a bundle in each.
WITH RECURSIVE pair AS (
  (
    SELECT first.profile
    FROM platform_evidence_bundles AS first
    WHERE first.environment = {environment}
    ORDER BY first.profile LIMIT 1
  )
  UNION ALL
  SELECT next.profile
  FROM pair CROSS JOIN LATERAL (
    SELECT further.profile
    FROM platform_evidence_bundles AS further
    WHERE further.environment = {environment} AND further.profile > pair.profile
    ORDER BY further.profile LIMIT 1
  ) AS next
)
SELECT profile, {product} FROM pair;

-- name: pair_given
-- One profile and one product.
SELECT {profile}, {product};

-- name: rows_of_bundles
-- The current rows of many bundles.
SELECT {alias}.bundle_id::text AS bundle_id, {columns}
FROM {table} AS {alias}
WHERE {alias}.bundle_id = ANY({ids}) AND {where};

-- name: guards_of_platform
-- The current guard reports that speak of the platform itself.
SELECT {columns}
FROM platform_guard_report_summaries AS guard
WHERE guard.bundle_id IS NULL AND {where};

-- name: environments
-- The environments that components run in, found by skipping along the index.
WITH RECURSIVE place AS (
  (SELECT first.environment FROM platform_status_component_status AS first ORDER BY first.environment LIMIT 1)
  UNION ALL
  SELECT next.environment
  FROM place CROSS JOIN LATERAL (
    SELECT further.environment
    FROM platform_status_component_status AS further
    WHERE further.environment > place.environment
    ORDER BY further.environment LIMIT 1
  ) AS next
)
SELECT environment FROM place;

-- name: components_known
-- The names of an environment's components, found by skipping along the index.
WITH RECURSIVE name AS (
  (
    SELECT first.component
    FROM platform_status_component_status AS first
    WHERE first.environment = {environment}
    ORDER BY first.component LIMIT 1
  )
  UNION ALL
  SELECT next.component
  FROM name CROSS JOIN LATERAL (
    SELECT further.component
    FROM platform_status_component_status AS further
    WHERE further.environment = {environment} AND further.component > name.component
    ORDER BY further.component LIMIT 1
  ) AS next
)
SELECT component FROM name;

-- name: component_given
-- One component, whether or not there is such a one.
SELECT {component};

-- name: components_of_environments
-- The latest of what was seen by asking of every component of some environments, however many snapshots there are: one
-- probe for each of `names`. A snapshot is of when it was observed, but never of a time after it was recorded; those whose clock ran ahead
-- have an index of their own.
SELECT latest.*
FROM unnest({environments}) AS place (environment)
CROSS JOIN LATERAL ({names}) AS known (component)
CROSS JOIN LATERAL (
  SELECT *
  FROM (
    (
      SELECT {columns}, component.observed_at AS made_at
      FROM platform_status_component_status AS component
      WHERE component.environment = place.environment AND component.component = known.component AND component.cause = ''
        AND component.observed_at <= {at} AND component.observed_at <= component.recorded_at AND {where}
      ORDER BY component.observed_at DESC, component.id DESC
      LIMIT 1
    )
    UNION ALL
    (
      SELECT {columns}, component.recorded_at AS made_at
      FROM platform_status_component_status AS component
      WHERE component.environment = place.environment AND component.component = known.component AND component.cause = ''
        AND component.observed_at > component.recorded_at AND component.recorded_at <= {at} AND {where}
      ORDER BY component.recorded_at DESC, component.observed_at DESC, component.id DESC
      LIMIT 1
    )
  ) AS either
  ORDER BY made_at DESC, observed_at DESC, id DESC
  LIMIT 1
) AS latest;

-- name: causes_of_environments
-- What causes told of the components of some environments: of each cause, found by skipping along an index that is empty
-- where nothing has a cause, the latest news. Of a component, trouble that is not over, the worst first and no more than
-- `limit`, and the latest of all else, good news before an unknown. News is of when it was made, as in the statement above.
SELECT *
FROM (
  SELECT found.*,
         row_number() OVER (
           PARTITION BY found.environment, found.component, found.rank < 5
           ORDER BY found.rank, found.made_at DESC, found.observed_at DESC, found.id DESC
         ) AS place
  FROM unnest({environments}) AS place (environment)
  CROSS JOIN LATERAL ({causes}) AS known (component, cause)
  CROSS JOIN LATERAL (
    SELECT {columns}, component.made_at,
           array_position(
             ARRAY['major_outage', 'partial_outage', 'degraded_performance', 'under_maintenance', 'operational', 'unknown'],
             component.status
           ) AS rank
    FROM {latest_news} AS component
  ) AS found
) AS ranked
WHERE place = 1 OR (rank < 5 AND place <= {limit});
