"""Settings, read once from the environment; passed down as arguments, never imported from below."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from app.domain.catalogue import Invariant, parse_catalogue
from app.domain.errors import Invalid
from app.domain.policy import Policy, parse_policy

CATALOGUE_FILE = "catalogue.toml"
"""The invariant catalogue's name where it lies beside a policy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can set. Times in seconds, sizes in bytes."""

    database_url: str | None = None
    """DATABASE_URL: a PostgreSQL 15 or newer; without it an embedded one runs over `data`."""
    data: Path = Path(".data")
    """EVIDENCE_DATA: the folder of the embedded PostgreSQL."""
    host: str = "127.0.0.1"
    """HOST: the address to listen on."""
    port: int = 8000
    """PORT: the port to listen on."""
    pool_size: int = 10
    """EVIDENCE_POOL_SIZE: database connections a process may hold."""
    statement_timeout: float = 15.0
    """EVIDENCE_STATEMENT_TIMEOUT: how long one SQL statement may run."""
    max_body: int = 256 * 1024
    """EVIDENCE_MAX_BODY: the largest request body that is read."""
    cursor_secret: str = ""
    """EVIDENCE_CURSOR_SECRET: signs page cursors; without it, one is derived from the database's address."""
    cache_bytes: int = 24 * 1024 * 1024
    """EVIDENCE_CACHE_BYTES: how much of its answers a process keeps to give again while nothing changed; 0 for none."""
    log_level: str = "info"
    """EVIDENCE_LOG_LEVEL: debug, info, warning or error."""
    policy: Path | None = None
    """EVIDENCE_POLICY: the policy's file; without it, the default policy holds."""
    catalogue: Path | None = None
    """EVIDENCE_CATALOGUE: the invariant catalogue; else catalogue.toml beside the policy, else the default one."""

    def cursor_key(self) -> bytes:
        """The key that cursors are signed with: the same in every process over one database."""
        secret = self.cursor_secret or self.database_url or str(self.data.expanduser().resolve())
        return hashlib.sha256(b"evidence cursor\0" + secret.encode()).digest()


def _number(environ: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    text = environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise Invalid(f"{name} must be a number, not {text!r}", field=name) from None
    if not low <= value <= high:
        raise Invalid(f"{name} must lie between {low:g} and {high:g}, not {text}", field=name)
    return value


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Invalid names the variable that cannot be used."""
    env = os.environ if environ is None else environ
    url = env.get("DATABASE_URL", "").strip() or None
    if url is not None and not url.startswith(("postgres://", "postgresql://")):
        raise Invalid("DATABASE_URL must start with postgresql://", field="DATABASE_URL")
    level = env.get("EVIDENCE_LOG_LEVEL", "").strip().lower() or "info"
    if level not in ("debug", "info", "warning", "error"):
        raise Invalid(
            f"EVIDENCE_LOG_LEVEL must be debug, info, warning or error, not {level!r}",
            field="EVIDENCE_LOG_LEVEL",
        )
    return Settings(
        database_url=url,
        data=Path(env.get("EVIDENCE_DATA", "").strip() or ".data"),
        host=env.get("HOST", "").strip() or "127.0.0.1",
        port=int(_number(env, "PORT", 8000, 0, 65535)),
        pool_size=int(_number(env, "EVIDENCE_POOL_SIZE", 10, 1, 200)),
        statement_timeout=_number(env, "EVIDENCE_STATEMENT_TIMEOUT", 15, 0.1, 3600),
        max_body=int(_number(env, "EVIDENCE_MAX_BODY", 256 * 1024, 1024, 64 * 1024 * 1024)),
        cursor_secret=env.get("EVIDENCE_CURSOR_SECRET", ""),
        cache_bytes=int(_number(env, "EVIDENCE_CACHE_BYTES", 24 * 1024 * 1024, 0, 8 * 1024**3)),
        log_level=level,
        policy=_path(env, "EVIDENCE_POLICY"),
        catalogue=_path(env, "EVIDENCE_CATALOGUE"),
    )


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    text = environ.get(name, "").strip()
    return Path(text).expanduser() if text else None


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy with the text that it was read from, and the catalogue that its invariants were looked up in."""

    policy: Policy
    text: str
    catalogue: Mapping[str, Invariant]


def read_policy(path: Path | None = None, catalogue: Path | None = None) -> PolicyFile:
    """The policy of a file, else the default one. InvalidPolicy names every problem with its line; Invalid a file that
    cannot be read."""
    if catalogue is None and path is not None and (path.parent / CATALOGUE_FILE).is_file():
        catalogue = path.parent / CATALOGUE_FILE
    name, text = _read(catalogue, "catalogue.toml", "the catalogue")
    known = parse_catalogue(text, name)
    name, text = _read(path, "policy_default.toml", "the policy")
    return PolicyFile(parse_policy(text, name, known), text, known)


def _read(path: Path | None, default: str, what: str) -> tuple[str, str]:
    """A file's name and text, or those of the one that ships with the program."""
    if path is None:
        return default, (files("app.domain") / default).read_text(encoding="utf-8")
    try:
        return str(path), path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Invalid(f"{what} {path} cannot be read: {error.strerror or error}", field="policy") from None
    except UnicodeDecodeError as error:
        raise Invalid(f"{what} {path} is not UTF-8: {error.reason} at byte {error.start}", field="policy") from None
