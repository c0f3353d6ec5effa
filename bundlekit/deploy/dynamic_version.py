"""A wheel with the version `<base>+<mtime in ns>`: METADATA, RECORD and the dist-info folder are rewritten.

The wheel format: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from pathlib import Path

from bundlekit.diagnostics import BundlekitError


def patch_wheel(wheel: Path, folder: Path) -> Path:
    """The patched copy in `folder`; it is made only once for one modification time."""
    parts = wheel.name.split("-")
    if len(parts) < 5:
        raise BundlekitError(f"{wheel.name} is not a wheel's file name")
    name, base = parts[0], parts[1].split("+", 1)[0]
    version = f"{base}+{wheel.stat().st_mtime_ns}"
    target = folder / "-".join([name, version, *parts[2:]])
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    old_info, new_info = f"{name}-{parts[1]}.dist-info/", f"{name}-{version}.dist-info/"
    record: list[str] = []
    temp = target.with_suffix(".tmp")
    try:
        with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(temp, "w", zipfile.ZIP_DEFLATED) as out:
            for item in source.infolist():
                if item.filename.endswith("/RECORD") or item.is_dir():
                    continue
                data = source.read(item)
                path = item.filename
                if path.startswith(old_info):
                    path = new_info + path.removeprefix(old_info)
                    if path.endswith("/METADATA"):
                        data = re.sub(rb"(?m)^Version: .*$", f"Version: {version}".encode(), data, count=1)
                copied = zipfile.ZipInfo(path, item.date_time)
                copied.external_attr = item.external_attr
                copied.compress_type = zipfile.ZIP_DEFLATED
                out.writestr(copied, data)
                digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                record.append(f"{path},sha256={digest},{len(data)}")
            record.append(f"{new_info}RECORD,,")
            out.writestr(f"{new_info}RECORD", "\n".join(record) + "\n")
    except (zipfile.BadZipFile, OSError) as error:
        temp.unlink(missing_ok=True)
        raise BundlekitError(f"cannot set a dynamic version in {wheel}: {error}") from error
    temp.replace(target)
    return target
