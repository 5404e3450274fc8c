"""The server side of MTProto 2.0: transports, key exchange, sessions, encryption. It knows nothing of Telegram's methods."""
