"""Telephone calls through a carrier: whom may be called, how, and what becomes of it."""
