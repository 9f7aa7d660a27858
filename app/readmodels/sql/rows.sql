-- Reads that every noun shares. Slots in braces are filled from app/readmodels/nouns.py, values are parameters.

-- name: list_rows
-- One page of a noun in some order, newest or named first.
SELECT {columns}, {sort} AS sort_key
FROM {source}
WHERE {where}
ORDER BY {order}
LIMIT {limit};

-- name: count_rows
-- How many rows a list has in all; asked only when somebody wants to know.
SELECT count(*)
FROM {source}
WHERE {where};

-- name: group_rows
-- How many rows a list has per value of one column.
SELECT {group} AS value, count(*) AS count
FROM {source}
WHERE {where}
GROUP BY 1
ORDER BY count(*) DESC, 1;

-- name: rows_by_ids
-- Rows by primary key, whether current or not.
SELECT {columns}
FROM {source}
WHERE {alias}.id = ANY({ids}) AND {where};

-- name: rows_by_bundle_ids
-- One page of children for each of many bundles, in one statement: an index walk per bundle, bounded by the limit.
SELECT parent.id::text AS parent_id, page.*
FROM unnest({ids}) WITH ORDINALITY AS parent (id, position)
CROSS JOIN LATERAL (
  SELECT {columns}, {sort} AS sort_key
  FROM {source}
  WHERE {alias}.bundle_id = parent.id AND {where}
  ORDER BY {order}
  LIMIT {limit}
) AS page
ORDER BY parent.position, page.sort_key {direction}, page.id::uuid {direction};

-- name: count_by_bundle_ids
-- How many children each of many bundles has.
SELECT {alias}.bundle_id::text AS parent_id, count(*) AS count
FROM {source}
WHERE {alias}.bundle_id = ANY({ids}) AND {where}
GROUP BY {alias}.bundle_id;

-- name: group_by_bundle_ids
-- How many children each of many bundles has per value of one column.
SELECT {alias}.bundle_id::text AS parent_id, {group} AS value, count(*) AS count
FROM {source}
WHERE {alias}.bundle_id = ANY({ids}) AND {where}
GROUP BY 1, 2
ORDER BY 1, count(*) DESC, 2;

-- name: successors_by_ids
-- The row that superseded each of many rows.
SELECT {alias}.supersedes_id::text AS parent_id, {columns}
FROM {source}
WHERE {alias}.supersedes_id = ANY({ids}) AND {where};

-- name: histories_by_ids
-- The whole chain that each of many rows belongs to, oldest first.
WITH RECURSIVE older AS (
  SELECT start.id AS start_id, start.id, start.supersedes_id, 0 AS depth
  FROM {table} AS start WHERE start.id = ANY({ids})
  UNION ALL
  SELECT older.start_id, before.id, before.supersedes_id, older.depth - 1
  FROM older JOIN {table} AS before ON before.id = older.supersedes_id
  WHERE older.depth > -{depth}
), newer AS (
  SELECT start.id AS start_id, start.id, 0 AS depth
  FROM {table} AS start WHERE start.id = ANY({ids})
  UNION ALL
  SELECT newer.start_id, later.id, newer.depth + 1
  FROM newer JOIN {table} AS later ON later.supersedes_id = newer.id
  WHERE newer.depth < {depth}
), chain AS (
  SELECT start_id, id, depth FROM older
  UNION
  SELECT start_id, id, depth FROM newer
)
SELECT chain.start_id::text AS parent_id, {columns}
FROM chain JOIN {source} ON {alias}.id = chain.id
WHERE {where}
ORDER BY chain.start_id, chain.depth;
