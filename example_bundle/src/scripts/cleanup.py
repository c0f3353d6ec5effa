"""Runs last, whatever happened before."""

import sys

print(f"cleaned up after {sys.argv[1]}")
