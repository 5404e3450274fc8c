CREATE TABLE calls (
    id INTEGER PRIMARY KEY,
    chat_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    joined_at REAL NOT NULL,
    left_at REAL,
    reason TEXT
) STRICT;
CREATE INDEX calls_by_chat ON calls (chat_id, joined_at);

CREATE TABLE exchanges (
    id INTEGER PRIMARY KEY,
    call_id INTEGER REFERENCES calls (id) ON DELETE CASCADE,
    chat_id INTEGER NOT NULL,
    turn_id INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    speaker TEXT NOT NULL,
    speaker_id INTEGER NOT NULL,
    heard TEXT NOT NULL,
    reply TEXT NOT NULL,
    reply_heard TEXT NOT NULL,
    interrupted INTEGER NOT NULL CHECK (interrupted IN (0, 1)),
    spans TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX exchanges_by_chat ON exchanges (chat_id, at);
