"""Parley at work: what it rests on, its calls, its chats and its doors, put together. Begin at :func:`service.serve.serve`."""
