"""What tests and rehearsals do to a loopback Telegram without being a client of it."""
