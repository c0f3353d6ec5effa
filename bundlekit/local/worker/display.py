"""`display` and `displayHTML`: the first rows of a table in the log and in the executed notebook."""

from __future__ import annotations

from typing import Any

LIMIT = 1000


def display(value: Any = None, *_: Any, **__: Any) -> None:
    """Show a DataFrame (Spark's first 1,000 rows), a figure or anything else."""
    frame = as_frame(value)
    shell = _shell()
    if shell is not None:
        from IPython.display import display as show

        show(frame)
    else:
        print(frame.to_string(index=False) if hasattr(frame, "to_string") else frame)


def as_frame(value: Any) -> Any:
    """A Spark DataFrame's first rows as a pandas frame; anything else as it is."""
    if hasattr(value, "limit") and hasattr(value, "toPandas"):
        return value.limit(LIMIT).toPandas()
    return value


def display_html(html: str) -> None:
    if _shell() is not None:
        from IPython.display import HTML
        from IPython.display import display as show

        show(HTML(html))
    else:
        print(html)


def _shell() -> Any:
    import sys

    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return get_ipython()
