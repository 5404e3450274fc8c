"""Scripted people: real Telegram clients with accounts of their own that type, talk, listen and remember what they heard."""
