"""Artifacts as declared: absolute paths, defaults of wheels, the implicit wheel of a `setup.py`.

Reads `artifacts` and the libraries of jobs and pipelines; writes `artifacts`. Building and uploading belong
to `bundlekit.deploy.artifacts`.
"""

from __future__ import annotations

import glob
import posixpath
from pathlib import Path

from bundlekit.bundle import Bundle
from bundlekit.compile.path_fields import dependency_file, is_local, path_fields
from bundlekit.diagnostics import did_you_mean
from bundlekit.source.tree import Map, Seq, from_plain, get

WHEEL_BUILD = "python3 setup.py bdist_wheel"


def prepare_artifacts(bundle: Bundle) -> None:
    """Every artifact gets its final form."""
    artifacts = bundle.tree.get("artifacts")
    if not isinstance(artifacts, Map) or not artifacts:
        _implicit(bundle)
        return
    dynamic = get(bundle.tree, "presets", "artifacts_dynamic_version")
    for name, artifact in artifacts.items():
        if not isinstance(artifact, Map):
            bundle.diagnostics.error(
                "artifact-empty", f"the artifact {name} is empty", artifacts.at(name) or artifacts.key_at(name),
                path=f"artifacts.{name}", hint=f"write {name}: {{type: whl, path: ./{name}}}",
            )  # fmt: skip
            continue
        _paths(bundle, artifacts, name, artifact)
        if dynamic is not None and artifact.get("dynamic_version") is None and artifact.get("type") == "whl":
            artifact.put("dynamic_version", dynamic, "preset artifacts_dynamic_version")


def _paths(bundle: Bundle, artifacts: Map, name: str, artifact: Map) -> None:
    root = bundle.root.as_posix()
    written = artifact.get("path")
    if written:
        text = str(written)
        folder = text if text.startswith("/") else _absolute(bundle, artifact, "path", text)
        if not Path(folder).is_dir():
            shown = posixpath.relpath(folder, root)
            parent = Path(folder).parent
            names = [entry.name for entry in parent.iterdir()] if parent.is_dir() else []
            near = did_you_mean(Path(folder).name, names)
            bundle.diagnostics.error(
                "artifact-path", f"the folder {shown} of artifact {name} does not exist", artifact.at("path"),
                path=f"artifacts.{name}.path", hint=near,
            )  # fmt: skip
            artifact.put("path", shown)
            return
    else:
        folder = root
    artifact.put("path", folder)
    files = artifact.get("files")
    if artifact.get("type") == "whl" and not artifact.get("build") and not files:
        artifact.put("build", WHEEL_BUILD, "default")
    if isinstance(files, Seq) and files:
        out = Seq(files.location)
        for index, entry in enumerate(files):
            source = entry.get("source") if isinstance(entry, Map) else None
            if not isinstance(source, str) or not isinstance(entry, Map):
                out.add(entry, files.spot(index))
                continue
            absolute = source if source.startswith("/") else _absolute(bundle, entry, "source", source)
            matches = sorted(glob.glob(absolute)) or [absolute]
            for match in matches:
                made = from_plain({"source": match}, entry.at("source"))
                out.add(made, files.spot(index))
        artifact.put("files", out)
    elif artifact.get("type") == "whl":
        artifact.put("files", from_plain([{"source": f"{folder}/dist/*.whl"}]), "default")


def _absolute(bundle: Bundle, parent: Map, key: str, text: str) -> str:
    at = parent.at(key)
    folder = posixpath.dirname(at.file) if at is not None else ""
    return posixpath.normpath(posixpath.join(bundle.root.as_posix(), folder, text))


def _implicit(bundle: Bundle) -> None:
    """A `setup.py` in the root and a local library: the wheel is built as if it were declared."""
    if not (bundle.root / "setup.py").is_file():
        return
    for field in path_fields(bundle):
        text = field.value
        local = (field.mode == "library" and is_local(text)) or (
            field.mode == "dependency" and dependency_file(text)[0] == "" and dependency_file(text)[1]
        )
        if local:
            root = bundle.root.as_posix()
            artifact = {
                "type": "whl", "path": root, "build": WHEEL_BUILD, "files": [{"source": f"{root}/dist/*.whl"}],
            }  # fmt: skip
            bundle.tree.put(
                "artifacts", from_plain({"python_artifact": artifact}), "setup.py in the bundle root"
            )
            return
