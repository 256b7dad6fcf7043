"""Benchmarks: each prints what it measured, as text or with --json."""
