"""`python -m bundlekit` is the same as `bundlekit`."""

from bundlekit.cli import main

main()
