"""What runs in task processes: only the standard library, each other, and the engine's environment."""

NO_RESULT = 74
"""Exit code of a task process that could not write its result (EX_IOERR)."""
