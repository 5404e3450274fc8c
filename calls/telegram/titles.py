"""What the chats of the account are called."""

from __future__ import annotations

from telethon.errors import RPCError

from calls.errors import NO_ACCESS, CallError, explain, of
from calls.telegram.client import TelegramAccount


async def title_of(account: TelegramAccount, chat_id: int) -> str:
    """The title of a group or channel (marked id).

    :raises calls.errors.CallError: the account is not in it, it is a person, or Telegram does not tell.
    """
    try:
        entity = await account.client.get_entity(await account.input_peer(chat_id))
    except ValueError:
        raise of(NO_ACCESS) from None
    except (RPCError, ConnectionError) as error:
        raise explain(error) from error
    title = getattr(entity, "title", None)
    if title is None:
        raise CallError("A person has no voice chat.", "Phone them instead, or name a group or channel.", key="call_error.no_group")
    return str(title)
