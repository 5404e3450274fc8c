"""Access hashes: what a client must have been given before it may name a user or a group.

They differ per viewer, as on the real service, and follow from the server's key, so they outlive a restart.
"""

from __future__ import annotations

import hashlib


class AccessHashes:
    """Computes what is never stored."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def of_user(self, viewer_id: int, user_id: int) -> int:
        """The hash by which ``viewer_id`` may name a user."""
        return self._hash("user", viewer_id, user_id)

    def of_stranger(self, viewer_id: int, user_id: int) -> int:
        """The hash in a ``min`` user: good for nothing."""
        return self._hash("stranger", viewer_id, user_id)

    def of_chat(self, viewer_id: int, chat_id: int) -> int:
        """The hash by which ``viewer_id`` may name a group."""
        return self._hash("chat", viewer_id, chat_id)

    def _hash(self, kind: str, viewer_id: int, entity_id: int) -> int:
        digest = hashlib.sha256(self._secret + f"{kind}/{viewer_id}/{entity_id}".encode()).digest()
        return int.from_bytes(digest[:8], "little", signed=True)
