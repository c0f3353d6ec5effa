"""Reads the landing zone of the flights example."""
