"""What a scan looked at, by a name that is the same from run to run, and names short enough for a title. Pure.

A name keeps what tells two targets apart and loses what only tells two runs apart: tags, digests, versions, and the
folders of the machine that ran.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from app.domain.checks import image_name

NAME_LIMIT = 100
"""Characters of a name within a title, so that what follows it is read as well."""

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DIGEST = re.compile(r"(?:sha\d+:)?[0-9a-f]{12,128}", re.IGNORECASE)
_SCP = re.compile(r"(?:[\w.-]+@)?([\w.-]+\.[\w.-]+):(?!//)(.+)")
_ABSOLUTE = re.compile(r"/|\\|[A-Za-z]:[\\/]|file:", re.IGNORECASE)
_VERSIONED = re.compile(r"[\s/@-]+v?\d+(?:\.\d+)+\S*$")


def shorten(name: str, limit: int = NAME_LIMIT) -> str:
    """The name, its middle left out where it is longer than the limit: the end often tells more than the middle."""
    if len(name) <= limit:
        return name
    tail = limit // 3
    return f"{name[: limit - tail - 1].rstrip()}…{name[-tail:].lstrip()}"


def listed(names: Iterable[str], most: int = 3) -> str:
    """The first of the names, each shortened, and how many more there are."""
    given = [name for name in dict.fromkeys(names) if name]
    more = f" and {len(given) - most} more" if len(given) > most else ""
    return ", ".join(shorten(name, NAME_LIMIT // 2) for name in given[:most]) + more


def without_version(tool: str, version: str = "") -> str:
    """A tool's name without the version that some write into it."""
    name = tool.strip()
    if version and name.endswith(version) and len(name) > len(version):
        name = name[: -len(version)].rstrip(" -/@v")
    return _VERSIONED.sub("", name) or name


def image_target(references: Iterable[str]) -> str:
    """The first reference that names an image, without tag and digest; a bare digest or id names none."""
    for reference in references:
        text = reference.strip()
        if text.lower().endswith((".tar", ".tar.gz", ".tgz")):
            return path_target(text)
        name = image_name(text.removeprefix("docker://").removeprefix("docker:").removeprefix("registry:"))
        if name and name.lower() != "sha256" and not _DIGEST.fullmatch(name):
            return name
    return ""


def path_target(path: str) -> str:
    """A folder or file as it lies below the working folder; of an absolute path the last part alone, since the rest is
    the machine's. Empty for the working folder itself."""
    text = path.strip().strip('"').removeprefix("dir:").removeprefix("file:")
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    if _ABSOLUTE.match(text):
        parts = parts[-1:]
    return "/".join(parts) if any(part != ".." for part in parts) else ""


def repository_target(address: str) -> str:
    """Host and path of a repository, however it is reached: `git+https://host/team/app.git@refs/heads/main`,
    `git@host:team/app` and `https://host/team/app/` are all `host/team/app`."""
    text = address.strip().removeprefix("git+")
    if scp := _SCP.fullmatch(text):
        host, path = scp.group(1), scp.group(2)
    else:
        try:
            parts = urlsplit(text)
            host, path = parts.hostname or "", parts.path
        except ValueError:
            return ""
        if not host:
            return ""
    path = path.partition("@")[0].strip("/").removesuffix(".git").strip("/")
    return f"{host.lower()}/{path}" if path else ""


def package_target(purl: str) -> str:
    """A package URL without version, qualifiers and subpath; any other name as it is."""
    text = purl.strip()
    if not text.startswith("pkg:"):
        return text
    text = re.split(r"[?#]", text, maxsplit=1)[0]
    head, slash, tail = text.rpartition("/")
    return f"{head}{slash}{tail.partition('@')[0]}"


def whole_commit(text: str) -> str:
    """A commit's whole name; "" for what is shorter or no commit, such as a tag or the number of another system."""
    plain = text.strip().lower()
    return plain if _COMMIT.fullmatch(plain) else ""


def only(found: Iterable[str]) -> str:
    """The one thing that was said, once or often; "" where nothing was said, or several things."""
    said = {text for text in found if text}
    return said.pop() if len(said) == 1 else ""
