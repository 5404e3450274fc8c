"""Fixtures of tests with real calls."""

from tests.loopback.side_by_side import running

__all__ = ["running"]
