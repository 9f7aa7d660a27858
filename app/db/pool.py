"""Connections: a bounded pool, one place where driver errors become domain errors and statements are counted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from app.domain.errors import Conflict, EvidenceError, Invalid, Unavailable

Row = Mapping[str, Any]
"""A database row: columns by name. uuid columns are UUID, timestamptz aware datetime, jsonb its text."""

NOT_MIGRATED = "the database is not migrated to this version; run `evidence migrate`"


@dataclass(slots=True)
class StatementLog:
    """The statements that ran while it was open, in order."""

    statements: list[str] = field(default_factory=list)


_log: ContextVar[StatementLog | None] = ContextVar("statement_log", default=None)


@contextlib.contextmanager
def statement_log() -> Iterator[StatementLog]:
    """Collect the statements that this task and the tasks it starts run; for metrics and for tests that count them."""
    log = StatementLog()
    token = _log.set(log)
    try:
        yield log
    finally:
        _log.reset(token)


def _note(sql: str) -> None:
    log = _log.get()
    if log is not None:
        log.statements.append(sql)


def domain_error(error: Exception) -> EvidenceError | None:
    """What a driver error means to a caller, or None when it is a fault of ours."""
    match error:
        case asyncpg.UndefinedTableError() | asyncpg.UndefinedColumnError() | asyncpg.UndefinedFunctionError():
            return Unavailable(NOT_MIGRATED)
        case asyncpg.InvalidCatalogNameError() | asyncpg.InvalidAuthorizationSpecificationError():
            return Unavailable(f"the database refused the connection: {error}; check DATABASE_URL")
        case asyncpg.QueryCanceledError() | asyncpg.LockNotAvailableError() | asyncpg.DeadlockDetectedError():
            return Unavailable(f"the database gave up: {error}; try again")
        case asyncpg.UniqueViolationError():
            return Conflict(f"somebody else wrote first: {error.detail or error}")
        case asyncpg.RestrictViolationError():
            return Conflict(str(error))
        case asyncpg.IntegrityConstraintViolationError():
            return Invalid(f"the database refused the row: {error}")
        case asyncpg.exceptions.CharacterNotInRepertoireError():
            return Invalid("a text holds a NUL or another character that no stored text can hold; leave it out")
        case asyncpg.DataError() | asyncpg.exceptions.UntranslatableCharacterError():
            return Invalid(f"the database cannot hold the value: {error}")
        case asyncpg.PostgresConnectionError() | asyncpg.TooManyConnectionsError() | asyncpg.CannotConnectNowError():
            return Unavailable(f"the database cannot be reached: {error}")
        case asyncpg.AdminShutdownError() | asyncpg.CrashShutdownError():
            return Unavailable("the database is shutting down; try again")
        case asyncpg.InterfaceError() if "connection" in str(error) or "pool" in str(error):
            return Unavailable(f"the database cannot be reached: {error}")
        case asyncpg.InternalClientError() if "another operation (2)" in str(error):
            # The server's farewell was read, its hanging up not yet; 2 is the driver's state between the two.
            return Unavailable("the database ended the connection; try again")
        case TimeoutError():
            return Unavailable("no database connection came free in time; try again")
        case OSError():
            return Unavailable(f"the database cannot be reached: {error}; check DATABASE_URL and that it runs")
        case _:
            return None


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        meant = domain_error(error)
        if meant is None:
            raise
        raise meant from error


class Transaction:
    """One open transaction. Commits when its block ends, rolls back when it raises."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        """All rows."""
        _note(sql)
        with _translated():
            rows: Sequence[Row] = await self._connection.fetch(sql, *args)
        return rows

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """The first row."""
        _note(sql)
        with _translated():
            row: Row | None = await self._connection.fetchrow(sql, *args)
        return row

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row."""
        row = await self.fetchrow(sql, *args)
        return None if row is None else next(iter(row.values()))

    async def execute(self, sql: str, *args: object) -> None:
        """A statement without rows."""
        _note(sql)
        with _translated():
            await self._connection.execute(sql, *args)

    async def executemany(self, sql: str, args: Sequence[Sequence[object]]) -> None:
        """One statement for many parameter rows; counted once."""
        _note(sql)
        with _translated():
            await self._connection.executemany(sql, args)


STATEMENTS = 256
"""Prepared statements that a connection keeps; each has its plan in the memory of its server process."""


class Line:
    """One connection outside the pool, made when first needed and made anew after it broke. One caller at a time."""

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        self._connect = connect
        self._connection: Any = None

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """The first row. After any error the connection is given up."""
        with _translated():
            try:
                if self._connection is None:
                    self._connection = await self._connect()
                row: Row | None = await self._connection.fetchrow(sql, *args)
                return row
            except BaseException:
                await self.close()
                raise

    async def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


class Database:
    """A bounded pool of connections to one PostgreSQL."""

    def __init__(self, pool: Any, acquire_timeout: float, alone: Callable[[], Awaitable[Any]]) -> None:
        self._pool = pool
        self._acquire_timeout = acquire_timeout
        self._alone = alone
        self._idle: list[Any] = []
        self._asking = 0

    @classmethod
    async def connect(
        cls,
        dsn: str,
        *,
        size: int = 10,
        statement_timeout: float = 15.0,
        acquire_timeout: float = 5.0,
        application_name: str = "evidence-gateway",
    ) -> Database:
        """Open a pool of at most `size` connections; times in seconds. Connections are made when first needed,
        so that a database that is down is an answer (Unavailable) and not a refusal to start."""
        settings = {
            "application_name": application_name,
            "statement_timeout": str(int(statement_timeout * 1000)),
            "idle_in_transaction_session_timeout": "60000",
            "lock_timeout": "10000",
            "jit": "off",  # every statement here is short; compiling one costs more than running it
            "timezone": "UTC",
        }

        def alone() -> Awaitable[Any]:
            connecting: Awaitable[Any] = asyncpg.connect(
                dsn, timeout=acquire_timeout, command_timeout=statement_timeout + 1, server_settings=settings
            )
            return connecting

        with _translated():
            pool = await asyncpg.create_pool(
                dsn,
                min_size=0,
                max_size=size,
                timeout=acquire_timeout,
                command_timeout=statement_timeout + 1,
                reset=_no_reset,
                statement_cache_size=STATEMENTS,
                max_inactive_connection_lifetime=300,
                server_settings=settings,
            )
        return cls(pool, acquire_timeout, alone)

    def line(self) -> Line:
        """A connection outside the pool."""
        return Line(self._alone)

    async def close(self) -> None:
        """Close all connections; waits 5 s for statements in flight, then ends them."""
        while self._idle:
            await self._pool.release(self._idle.pop())
        self._asking += 1  # from here on nothing is kept
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """A driver connection, for this room; Unavailable when none comes free in time."""
        connection = await self._take()
        try:
            yield connection
        except BaseException:
            await self._pool.release(connection)
            raise
        await self._give(connection)

    async def _take(self) -> Any:
        """A connection: one kept idle, else one of the pool's. The pool's own way costs more than a short statement."""
        while self._idle:
            connection = self._idle.pop()
            if _lives(connection):
                return connection
            await self._pool.release(connection)
        self._asking += 1
        try:
            with _translated():
                return await self._pool.acquire(timeout=self._acquire_timeout)
        finally:
            self._asking -= 1

    async def _give(self, connection: Any) -> None:
        """Keep a connection that is in order for the next taker, unless somebody waits for the pool's."""
        if self._asking or not _lives(connection):
            await self._pool.release(connection)
        else:
            self._idle.append(connection)

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        """All rows of one statement."""
        async with self.acquire() as connection:
            return await Transaction(connection).fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """The first row of one statement."""
        connection = await self._take()
        _note(sql)
        try:
            row: Row | None = await connection.fetchrow(sql, *args)
        except BaseException as error:
            await self._pool.release(connection)
            meant = domain_error(error) if isinstance(error, Exception) else None
            if meant is None:
                raise
            raise meant from error
        await self._give(connection)
        return row

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row."""
        row = await self.fetchrow(sql, *args)
        return None if row is None else next(iter(row.values()))

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A read-committed transaction on one connection."""
        async with self._transaction() as transaction:
            yield transaction

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Transaction]:
        """A read-only transaction in which all statements see the same rows, those of the first one's moment."""
        async with self._transaction(isolation="repeatable_read", readonly=True) as transaction:
            yield transaction

    @contextlib.asynccontextmanager
    async def _transaction(self, **options: Any) -> AsyncIterator[Transaction]:
        async with self.acquire() as connection:
            with _translated():
                transaction = connection.transaction(**options)
                await transaction.start()
            try:
                yield Transaction(connection)
            except BaseException:
                # The connection may be gone already; the first error is the one worth telling.
                with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    await transaction.rollback()
                raise
            with _translated():
                await transaction.commit()

    async def settle(self, as_of: datetime, *, patience: float = 5.0) -> None:
        """Return once no open transaction can still add a row recorded at or before `as_of`.

        Raises Invalid when `as_of` is in the future, Unavailable when such a writer outlasts `patience` seconds.
        """
        deadline = asyncio.get_running_loop().time() + patience
        pause = 0.005
        while True:
            row = await self.fetchrow(SETTLE, as_of)
            if row is None or row["future"]:
                raise Invalid("asOf lies in the future; give a time that has passed", field="asOf")
            if not row["writers"]:
                return
            if asyncio.get_running_loop().time() > deadline:
                raise Unavailable(f"{row['writers']} writer(s) that began before asOf are still at work; try again")
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.1)


SETTLE = """
SELECT $1::timestamptz > clock_timestamp() AS future,
       count(*) FILTER (WHERE held.pid IS NOT NULL) AS writers
FROM (SELECT 1) AS one
LEFT JOIN (
  SELECT lock.pid
  FROM pg_locks AS lock LEFT JOIN pg_stat_activity AS writer ON writer.pid = lock.pid
  WHERE lock.locktype = 'advisory' AND lock.objsubid = 1 AND lock.granted
    AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (lock.classid::bigint << 32 | lock.objid::bigint) = 7305414816092
    AND (writer.xact_start IS NULL OR writer.xact_start <= $1::timestamptz)
) AS held ON true
"""
"""Writers hold this advisory lock from the moment they fix recorded_at (migration 0001) to their end."""


def _lives(connection: Any) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False  # the server ended it, and the driver's pool took it back by itself


async def _no_reset(connection: Any) -> None:
    """Nothing here changes session state, so a released connection needs no round trip to be clean."""
