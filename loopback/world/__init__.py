"""Telegram's methods: accounts, chats, messages, files, voice chats. One module per family, brought together by ``world.py``."""
