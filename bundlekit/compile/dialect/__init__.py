"""The dialect: forms that people write and the Jobs API does not know, lowered where they mean one thing.

`keeper` lets the loader keep them, `lower_names` gives keys their official names before targets are merged,
`lower_meanings` does the rest after interpolation; what is left then is an ordinary unknown field. Every
lowering is a warning with the replacement, once per occurrence; what could mean several things is an error.
"""

from __future__ import annotations

from bundlekit.compile.dialect.keys import keeper
from bundlekit.compile.dialect.meanings import lower_meanings
from bundlekit.compile.dialect.names import lower_names

__all__ = ["keeper", "lower_meanings", "lower_names"]
