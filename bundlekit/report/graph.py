"""A job's tasks as a graph: Mermaid, DOT, and an SVG with a layered layout of its own.

Layers follow the dependencies (each task one layer below its deepest dependency); inside of a layer tasks are
ordered by the mean position of what they depend on, which keeps edges short without a layout library.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from bundlekit.tasks.support import task_type

_COLOURS = {
    "notebook_task": "#2563eb", "spark_python_task": "#059669", "python_wheel_task": "#0d9488",
    "sql_task": "#7c3aed", "condition_task": "#d97706", "for_each_task": "#db2777", "run_job_task": "#4b5563",
}  # fmt: skip
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 190, 46, 34, 56, 20


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A task: its key, what kind of work it is, and how it joins what comes before."""

    key: str
    kind: str
    label: str
    run_if: str


@dataclass(frozen=True, slots=True)
class Edge:
    """`label` is the outcome of a condition task, else empty."""

    start: str
    end: str
    label: str


def job_graph(job: dict[str, Any]) -> tuple[list[GraphNode], list[Edge]]:
    """The tasks and dependencies of a job's configuration."""
    nodes, edges = [], []
    for task in job.get("tasks") or []:
        kind = task_type(task)
        label = kind.removesuffix("_task").replace("_", " ")
        if kind == "condition_task":
            condition = task[kind]
            label = f"{condition.get('left')} {condition.get('op')} {condition.get('right')}"
        elif kind == "for_each_task":
            label = (
                f"for each: {task_type(task[kind].get('task') or {}).removesuffix('_task').replace('_', ' ')}"
            )
        run_if = task.get("run_if") or ""
        nodes.append(GraphNode(task["task_key"], kind, label, "" if run_if == "ALL_SUCCESS" else run_if))
        for dependency in task.get("depends_on") or []:
            edges.append(Edge(dependency["task_key"], task["task_key"], str(dependency.get("outcome") or "")))
    return nodes, edges


def mermaid(nodes: list[GraphNode], edges: list[Edge]) -> str:
    """A Mermaid flowchart, as GitHub renders it."""
    names = {node.key: f"t{index}" for index, node in enumerate(nodes)}
    lines = ["flowchart TD"]
    for node in nodes:
        text = f"{node.key}<br/><small>{_plain(node.label)}</small>" + (
            f"<br/><i>{node.run_if}</i>" if node.run_if else ""
        )
        opening, closing = ("{{", "}}") if node.kind == "condition_task" else ("[", "]")
        lines.append(f'  {names[node.key]}{opening}"{text}"{closing}')
    for edge in edges:
        if edge.start in names:
            label = f"|{edge.label}|" if edge.label else ""
            lines.append(f"  {names[edge.start]} -->{label} {names[edge.end]}")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return text.replace('"', "'").replace("{", "&#123;").replace("}", "&#125;").replace("<", "&lt;")


def dot(name: str, nodes: list[GraphNode], edges: list[Edge]) -> str:
    """Graphviz."""

    def quote(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [f"digraph {quote(name)} {{", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    for node in nodes:
        shape = ", shape=diamond" if node.kind == "condition_task" else ""
        text = node.key + "\\n" + node.label.replace('"', "'") + (f"\\n{node.run_if}" if node.run_if else "")
        lines.append(f'  {quote(node.key)} [label="{text}"{shape}];')
    for edge in edges:
        label = f" [label={quote(edge.label)}]" if edge.label else ""
        lines.append(f"  {quote(edge.start)} -> {quote(edge.end)}{label};")
    return "\n".join([*lines, "}"]) + "\n"


def _layers(nodes: list[GraphNode], edges: list[Edge]) -> list[list[GraphNode]]:
    depth = {node.key: 0 for node in nodes}
    # As many rounds as there are tasks: a cycle, which is diagnosed elsewhere, cannot loop for ever.
    for _ in nodes:
        changed = False
        for edge in edges:
            if edge.start in depth and depth[edge.end] < depth[edge.start] + 1 <= len(nodes):
                depth[edge.end] = depth[edge.start] + 1
                changed = True
        if not changed:
            break
    layers: list[list[GraphNode]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in nodes:
        layers[depth[node.key]].append(node)
    place: dict[str, float] = {}
    for layer in layers:
        before = {
            n.key: [place[e.start] for e in edges if e.end == n.key and e.start in place] for n in layer
        }
        layer.sort(key=lambda n: sum(before[n.key]) / len(before[n.key]) if before[n.key] else 0.5)
        for index, node in enumerate(layer):
            place[node.key] = (index + 0.5) / len(layer)
    return [layer for layer in layers if layer]


def svg(name: str, nodes: list[GraphNode], edges: list[Edge]) -> str:
    """A picture for browsers and READMEs, readable on light and dark backgrounds."""
    layers = _layers(nodes, edges)
    widest = max((len(layer) for layer in layers), default=1)
    width = widest * (_WIDTH + _GAP_X) - _GAP_X + 2 * _MARGIN
    height = len(layers) * (_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _MARGIN
    at: dict[str, tuple[float, float]] = {}
    for row, layer in enumerate(layers):
        span = len(layer) * (_WIDTH + _GAP_X) - _GAP_X
        for column, node in enumerate(layer):
            at[node.key] = (
                (width - span) / 2 + column * (_WIDTH + _GAP_X),
                _MARGIN + row * (_HEIGHT + _GAP_Y),
            )
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="12">',
        f"<title>{escape(name)}</title>",
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0L10 5L0 10z" fill="#6b7280"/></marker></defs>',
    ]
    for edge in edges:
        if edge.start not in at:
            continue
        (x1, y1), (x2, y2) = at[edge.start], at[edge.end]
        sx, sy, ex, ey = x1 + _WIDTH / 2, y1 + _HEIGHT, x2 + _WIDTH / 2, y2
        middle = (sy + ey) / 2
        out.append(
            f'<path d="M{sx:.0f} {sy:.0f}C{sx:.0f} {middle:.0f} {ex:.0f} {middle:.0f} {ex:.0f} {ey:.0f}" '
            'fill="none" stroke="#6b7280" stroke-width="1.4" marker-end="url(#arrow)"/>'
        )
        if edge.label:
            out.append(
                f'<text x="{(sx + ex) / 2:.0f}" y="{middle:.0f}" text-anchor="middle" fill="#d97706" '
                f'font-weight="600" paint-order="stroke" stroke="#fff" stroke-width="3">{escape(edge.label)}</text>'
            )
    for node in nodes:
        x, y = at[node.key]
        colour = _COLOURS.get(node.kind, "#374151")
        second = node.label + (f" · {node.run_if}" if node.run_if else "")
        out.append(f"<g><title>{escape(f'{node.key}: {second}')}</title>")
        out.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="{colour}"/>'
        )
        out.append(
            f'<text x="{x + _WIDTH / 2:.0f}" y="{y + 19:.0f}" text-anchor="middle" fill="#fff" '
            f'font-weight="600">{escape(_short(node.key, 26))}</text>'
        )
        out.append(
            f'<text x="{x + _WIDTH / 2:.0f}" y="{y + 36:.0f}" text-anchor="middle" fill="#fff" fill-opacity=".85" '
            f'font-size="10">{escape(_short(second, 36))}</text></g>'
        )
    return "\n".join([*out, "</svg>"]) + "\n"


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
