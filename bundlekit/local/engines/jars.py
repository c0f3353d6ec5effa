"""The seven jars of Delta Lake that Spark's own wheel lacks, fetched once, each checked against its SHA-256.

They are taken from, in this order: the cache, the local Maven repository, `BUNDLEKIT_MAVEN_REPOSITORY`, a
mirror
in Maven's settings, and the repository that the Ivy inside Spark uses by default (its address is read from
Spark's
own jar). Python downloads them, not the bundled Java, whose trust store may not know a company's certificate.
The other 26 jars that a resolver would fetch are already part of Spark.
"""

from __future__ import annotations

import hashlib
import os
import re
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from bundlekit.diagnostics import BundlekitError
from bundlekit.local.engines.environment import Say, cache_folder


class Jar(NamedTuple):
    """Maven coordinates and the SHA-256 of the file."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> str:
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file}"


JARS = (
    Jar(
        "io.delta",
        "delta-spark_4.2_2.13",
        "4.4.0",
        "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead",
    ),
    Jar(
        "io.delta",
        "delta-storage",
        "4.4.0",
        "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc",
    ),
    Jar(
        "io.delta",
        "delta-kernel-api",
        "4.4.0",
        "ee9b5a14ac3b7efdff4d61a58478fe8eb0e5a3fbca43889dca7290795fe79a11",
    ),
    Jar(
        "io.delta",
        "delta-kernel-defaults",
        "4.4.0",
        "225c975199e4718b38ee5b7e6da7f19e9585024262b2cec2656b32151a856b0b",
    ),
    Jar(
        "io.delta",
        "delta-kernel-unitycatalog",
        "4.4.0",
        "cea22dfb4ac562b3cd27bf652697750e8336009d73fb06631363aaaad5345ffa",
    ),
    Jar(
        "io.unitycatalog",
        "unitycatalog-client",
        "0.6.0",
        "48257499a86b801a3e2372cec55ac226ca1c1c7eabe5c118e7302f29a1fdbc19",
    ),
    Jar(
        "io.unitycatalog",
        "unitycatalog-hadoop",
        "0.6.0",
        "c47b63c961c87102b9e1d63809a0915ba4c86b7652f57c8d39ca3a05b441a150",
    ),
)
_SECONDS = 60


def jars_folder() -> Path:
    """Where the jars lie; keyed by their hashes, so that a new set never mixes with an old one."""
    digest = hashlib.sha256("".join(jar.sha256 for jar in JARS).encode()).hexdigest()[:12]
    return cache_folder() / "engines" / f"delta-jars-{digest}"


def ensure_jars(spark_jars: Path, say: Say) -> Path:
    """The folder with all jars, fetched now if need be. `spark_jars` is the folder `pyspark/jars`.

    Raises BundlekitError when a jar can't be had (offline with an empty cache) or isn't the expected one.
    """
    folder = jars_folder()
    if all((folder / jar.file).exists() for jar in JARS):
        return folder
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        missing = [jar for jar in JARS if not (folder / jar.file).exists()]
        if missing:
            say(f"fetching {len(missing)} Delta Lake jars (13 MB, once)")
        for jar in missing:
            _write(folder / jar.file, _fetch(jar, spark_jars))
    return folder


def _write(path: Path, content: bytes) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def _fetch(jar: Jar, spark_jars: Path) -> bytes:
    local = Path.home() / ".m2" / "repository" / jar.path
    if local.is_file():
        content = local.read_bytes()
        if _matches(jar, content):
            return content
    reasons: list[str] = []
    for repository in repositories(spark_jars):
        try:
            content = _read(repository, jar.path)
        except (OSError, ValueError) as error:
            reasons.append(str(getattr(error, "reason", error)))
            continue
        if _matches(jar, content):
            return content
        reasons.append(f"{jar.file} has another SHA-256 than the pinned one")
    raise BundlekitError(
        f"can't fetch {jar.file} for the spark engine: {'; '.join(reasons) or 'no repository is known'}",
        hint="the first use needs the network; set BUNDLEKIT_MAVEN_REPOSITORY to a Maven repository (URL or folder)"
        f" that has {jar.group}:{jar.artifact}:{jar.version}, or use --engine sail",
    )


def _matches(jar: Jar, content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == jar.sha256


def _read(repository: str, path: str) -> bytes:
    if "://" not in repository:
        return (Path(repository).expanduser() / path).read_bytes()
    if not repository.startswith(("https://", "http://", "file://")):
        raise ValueError(f"{repository} is neither a URL nor a folder")
    with urllib.request.urlopen(f"{repository.rstrip('/')}/{path}", timeout=_SECONDS) as answer:
        return bytes(answer.read())


def repositories(spark_jars: Path) -> list[str]:
    """Where to look, in order: a setting alone decides; then Maven's mirror; then Spark's own default."""
    chosen = os.environ.get("BUNDLEKIT_MAVEN_REPOSITORY")
    if chosen:
        return [chosen]
    return [*_mirrors(Path.home() / ".m2" / "settings.xml"), *_spark_default(spark_jars)]


def _mirrors(settings: Path) -> list[str]:
    try:
        root = ElementTree.fromstring(settings.read_text("utf-8"))
    except (OSError, ElementTree.ParseError, UnicodeDecodeError):
        return []
    found: list[str] = []
    for mirror in root.iter():
        if mirror.tag.rpartition("}")[2] != "mirror":
            continue
        fields = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in mirror}
        names = {part.strip() for part in fields.get("mirrorOf", "").split(",")}
        if names & {"*", "central", "external:*"} and fields.get("blocked") != "true" and fields.get("url"):
            found.append(fields["url"])
    return found


def _spark_default(spark_jars: Path) -> list[str]:
    """The root of Ivy's Maven resolver: a constant in the class file inside Spark's Ivy jar."""
    for jar in sorted(spark_jars.glob("ivy-*.jar")):
        with zipfile.ZipFile(jar) as archive:
            code = archive.read("org/apache/ivy/plugins/resolver/IBiblioResolver.class")
        found = re.search(rb"https://[\w.-]+/maven2/", code)
        if found:
            return [found.group().decode()]
    return []
