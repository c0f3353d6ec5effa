"""bundlekit: compile, deploy and locally run Databricks asset bundles."""

__version__ = "0.1.0"
