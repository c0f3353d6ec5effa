"""An executed notebook as one light HTML file, beside its `.ipynb`."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
pre{overflow:auto;padding:.6rem .8rem;border-radius:6px;margin:.3rem 0;font:13px/1.45 ui-monospace,monospace}
.in{background:#f4f6f8}.out{border-left:3px solid #d5dbe1;border-radius:0}.err{background:#fff0f0}
section{margin:1.1rem 0}table{border-collapse:collapse;font-size:13px}
td,th{border:1px solid #d5dbe1;padding:2px 8px}
@media(prefers-color-scheme:dark){
body{background:#14171b;color:#e6e9ec}.in{background:#20252b}.err{background:#3a1d1d}}
"""


def write_html(notebook: Path) -> Path | None:
    """Write `<name>.html` beside the notebook; None when that is not possible."""
    target = notebook.with_suffix(".html")
    try:
        target.write_text(render(json.loads(notebook.read_bytes()), notebook.stem), encoding="utf-8")
    except (OSError, ValueError):
        return None
    return target


def render(notebook: dict[str, Any], title: str) -> str:
    """The notebook (nbformat 4) as a page. Only `text/html` outputs are taken over unescaped."""
    cells = "".join(_cell(cell) for cell in notebook.get("cells", []))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{html.escape(title)}</h1>{cells}</html>\n"
    )


def _cell(cell: dict[str, Any]) -> str:
    source = "".join(cell.get("source", []))
    if cell.get("cell_type") == "markdown":
        return f'<section class="md"><pre>{html.escape(source)}</pre></section>'
    shown = "".join(_output(output) for output in cell.get("outputs", []))
    return f'<section><pre class="in">{html.escape(source)}</pre>{shown}</section>'


def _output(output: dict[str, Any]) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return f'<pre class="out">{html.escape("".join(output.get("text", "")))}</pre>'
    if kind == "error":
        return f'<pre class="out err">{html.escape(chr(10).join(output.get("traceback", [])))}</pre>'
    data = output.get("data", {})
    if "text/html" in data:
        return f'<div class="out">{"".join(data["text/html"])}</div>'
    if "image/png" in data:
        return f'<img alt="output" src="data:image/png;base64,{html.escape("".join(data["image/png"]))}">'
    return f'<pre class="out">{html.escape("".join(data.get("text/plain", "")))}</pre>'
