"""Component snapshots by the million, as probes would have sent them: in the order of time, past the table's triggers.

A hundred components in each of three environments are probed every four minutes, each at seconds of its own; they have
good and bad hours, and hours without any snapshot. The summaries of days are what the triggers make of the inserts.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import asyncpg

from bench.seed import ENVIRONMENTS

COMPONENTS = 100
EVERY = timedelta(minutes=4)
DAY = timedelta(days=1)

INSERT = """
INSERT INTO platform_status_component_status (id, environment, component, status, message, observed_at, details, recorded_at)
SELECT uuidv7(), environment, component,
       CASE WHEN luck < 970 THEN 'operational' WHEN luck < 980 THEN 'degraded_performance' WHEN luck < 986 THEN 'partial_outage'
            WHEN luck < 991 THEN 'major_outage' WHEN luck < 994 THEN 'under_maintenance' ELSE 'unknown' END,
       'probe answered', at, '{"latency_ms": 12}', at + interval '2 seconds'
FROM (
  SELECT environment, format('service-%s', lpad(number::text, 3, '0')) AS component,
         tick + number * interval '2.1 seconds' + random() * interval '15 seconds' AS at,
         abs(hashtext(environment || number || date_trunc('hour', tick))) % 1000 AS luck
  FROM generate_series($1::timestamptz, $2::timestamptz - $3::interval, $3::interval) AS tick,
       unnest($4::text[]) AS environment, generate_series(1, $5::int) AS number
) AS probed
WHERE luck < 997
ORDER BY at
"""


def days_for(snapshots: int) -> int:
    """How many days of probes make so many snapshots, at least 91, for the longest history."""
    return max(91, -(-snapshots * 1000 // (len(ENVIRONMENTS) * COMPONENTS * (DAY // EVERY) * 997)))


async def fill(dsn: str, days: int) -> int:
    """Insert the snapshots of so many days that end now, a statement a day; returns how many there are in all."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET synchronous_commit = off")
        began = time.perf_counter()
        start: datetime = await connection.fetchval("SELECT clock_timestamp()") - days * DAY
        for day in range(days):
            since = start + day * DAY
            last = day == days - 1
            until = since + DAY if not last else await connection.fetchval("SELECT clock_timestamp()")
            await connection.execute(INSERT, since, until, EVERY, list(ENVIRONMENTS), COMPONENTS)
            if day in (1, 10):
                await connection.execute("ANALYZE platform_status_component_status, platform_status_component_days")
            if day % 10 == 0 or last:
                print(f"  day {day + 1} of {days}, {time.perf_counter() - began:.0f} s", flush=True)
        await connection.execute("VACUUM (ANALYZE)")
        count: int = await connection.fetchval("SELECT count(*) FROM platform_status_component_status")
        return count
    finally:
        await connection.close()
