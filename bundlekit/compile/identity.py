"""Who deploys: `BUNDLEKIT_USER` > the cache > the workspace > git's `user.email` > a placeholder.

Writes `workspace.current_user` (userName, short_name, domain_friendly_name). The workspace is asked only when
credentials are configured and `--offline` is not given; its answer is cached for half an hour.
"""

from __future__ import annotations

import json
import os
import re
import time
import unicodedata
from pathlib import Path
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.source.tree import child_map, from_plain, get

CACHE_SECONDS = 30 * 60
PLACEHOLDER = "unknown-user@example.com"


def resolve_identity(bundle: Bundle) -> None:
    """Set `workspace.current_user`; a placeholder is said so with a recommendation."""
    user, cause = _find(bundle)
    name = str(user.get("userName") or PLACEHOLDER)
    display = str(user.get("displayName") or "")
    service_principal = bool(_UUID.fullmatch(name))
    short = short_name(display if service_principal and display else name)
    bundle.facts["service_principal"] = service_principal
    friendly = _domain_friendly(name, display, service_principal)
    made = {"userName": name, "short_name": short, "domain_friendly_name": friendly}
    if user.get("id"):
        made["id"] = str(user["id"])
    child_map(bundle.tree, "workspace").put("current_user", from_plain(made), cause)
    if name == PLACEHOLDER:
        bundle.diagnostics.recommend(
            "unknown-user",
            f"nobody knows who you are; {PLACEHOLDER} stands in for your user name",
            path="workspace.current_user",
            hint="set BUNDLEKIT_USER=you@example.com, or sign in to the workspace",
        )


_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def short_name(name: str) -> str:
    """The local part of an e-mail address, lower case, everything but letters and digits as single `_`."""
    local = name.split("@", 1)[0]
    return re.sub(r"_+", "_", re.sub(r"[^\w]", "_", _unaccented(local).lower())).strip("_") or "user"


def _domain_friendly(name: str, display: str, service_principal: bool) -> str:
    """As it may stand in a host name: letters, digits and dashes."""
    local = (display if service_principal and display else name).split("@", 1)[0]
    return re.sub(r"-+", "-", re.sub(r"[^a-z0-9]", "-", _unaccented(local).lower())).strip("-") or "user"


def _unaccented(text: str) -> str:
    split = unicodedata.normalize("NFD", text)
    return "".join(c for c in split if not unicodedata.combining(c))


def _find(bundle: Bundle) -> tuple[dict[str, Any], str]:
    given = os.environ.get("BUNDLEKIT_USER")
    if given:
        return {"userName": given}, "BUNDLEKIT_USER"
    host, profile = credentials(bundle)
    if host or profile:
        cached = _cached(host, profile)
        if cached:
            return cached, "the workspace (cached)"
        asked = None if bundle.options.offline else _ask(bundle, host, profile)
        if asked:
            return asked, "the workspace"
    mail = _git_email(bundle.root)
    return ({"userName": mail}, "git user.email") if mail else ({}, "")


def credentials(bundle: Bundle) -> tuple[str, str]:
    """Host and profile, if anything is configured that could sign in; else two empty texts."""
    environ = os.environ
    profile = bundle.options.profile or get(bundle.tree, "workspace", "profile") or ""
    profile = str(profile or environ.get("DATABRICKS_CONFIG_PROFILE") or "")
    host = str(get(bundle.tree, "workspace", "host") or environ.get("DATABRICKS_HOST") or "")
    secrets = ("DATABRICKS_TOKEN", "DATABRICKS_CLIENT_SECRET", "DATABRICKS_CLIENT_ID", "ARM_CLIENT_ID")
    if profile or (host and any(environ.get(name) for name in secrets)):
        return host, profile
    return "", ""


def _cache_file(host: str, profile: str) -> Path:
    from hashlib import sha256

    from platformdirs import user_cache_dir

    folder = os.environ.get("BUNDLEKIT_CACHE_DIR") or user_cache_dir("bundlekit")
    who = "\n".join(
        (host, profile, os.environ.get("DATABRICKS_TOKEN", ""), os.environ.get("DATABRICKS_CLIENT_ID", ""))
    )
    return Path(folder) / "users" / f"{sha256(who.encode()).hexdigest()[:24]}.json"


def _cached(host: str, profile: str) -> dict[str, Any]:
    try:
        path = _cache_file(host, profile)
        if time.time() - path.stat().st_mtime > CACHE_SECONDS:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _ask(bundle: Bundle, host: str, profile: str) -> dict[str, Any]:
    try:
        from bundlekit.sdk import api_client

        me = api_client(host, profile).do("GET", "/api/2.0/preview/scim/v2/Me")
    except Exception as error:
        # The SDK raises many kinds of errors here; without an answer the offline identity is good enough.
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        bundle.diagnostics.recommend(
            "identity-unreachable",
            f"the workspace did not say who you are: {text}",
            path="workspace.current_user",
            hint="check the credentials, or set BUNDLEKIT_USER",
        )
        return {}
    user = {key: me[key] for key in ("userName", "displayName", "id") if me.get(key)}
    try:
        path = _cache_file(host, profile)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(user), encoding="utf-8")
        partial.replace(path)
    except OSError:
        pass  # No cache, no harm: the next call asks again.
    return user


def _git_email(root: Path) -> str:
    """`user.email` of the repository's or the user's git configuration, read without starting git."""
    import configparser

    files = [folder / ".git" / "config" for folder in (root, *root.parents)]
    home = os.environ.get("HOME")
    if home:
        files += [Path(home) / ".gitconfig", Path(home) / ".config" / "git" / "config"]
    for file in files:
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
        try:
            parser.read_string(
                "\n".join(line.strip() for line in file.read_text(encoding="utf-8").splitlines())
            )
        except (OSError, ValueError, configparser.Error):
            continue
        mail = parser.get("user", "email", fallback="")
        if mail:
            return mail.strip().strip('"')
    return ""
