"""The media server of group calls: what a voice chat's sound travels through in the loopback Telegram."""
