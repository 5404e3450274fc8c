"""A Telegram of one's own on this machine, for rehearsals and tests: unmodified Telethon and py-tgcalls clients run against it."""
