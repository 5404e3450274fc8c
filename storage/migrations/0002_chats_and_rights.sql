CREATE TABLE chats (
    chat_id INTEGER PRIMARY KEY,
    title TEXT NOT NULL DEFAULT '',
    auto_join INTEGER NOT NULL DEFAULT 0 CHECK (auto_join IN (0, 1)),
    min_participants INTEGER NOT NULL DEFAULT 2 CHECK (min_participants >= 1),
    quiet_from TEXT NOT NULL DEFAULT '',
    quiet_until TEXT NOT NULL DEFAULT '',
    time_zone TEXT NOT NULL DEFAULT '',
    mode TEXT,
    language TEXT,
    persona TEXT,
    voice TEXT,
    rate TEXT,
    tts_on INTEGER NOT NULL DEFAULT 1 CHECK (tts_on IN (0, 1)),
    stt_on INTEGER NOT NULL DEFAULT 1 CHECK (stt_on IN (0, 1)),
    cooldown_s REAL,
    reply_probability REAL,
    alone_s REAL,
    join_as INTEGER,
    disabled_reason TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE wanted_calls (
    chat_id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    requested_by INTEGER NOT NULL,
    auto_joined INTEGER NOT NULL CHECK (auto_joined IN (0, 1)),
    since REAL NOT NULL,
    paused_until REAL,
    failures INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE left_by_hand (
    chat_id INTEGER PRIMARY KEY,
    voice_chat_id INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT;

CREATE TABLE chat_errors (
    id INTEGER PRIMARY KEY,
    chat_id INTEGER NOT NULL,
    what TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX chat_errors_by_chat ON chat_errors (chat_id, at);

CREATE TABLE sudo (
    user_id INTEGER PRIMARY KEY,
    added_by INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT;

CREATE TABLE authorised (
    chat_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    added_by INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (chat_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE blacklisted (
    id INTEGER PRIMARY KEY,
    added_by INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    chat_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    command TEXT NOT NULL,
    arguments TEXT NOT NULL,
    result TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (at);

CREATE TABLE opt_outs (
    chat_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (chat_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE obeyed (
    chat_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (chat_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE heard_lines (
    id INTEGER PRIMARY KEY,
    call_id INTEGER REFERENCES calls (id) ON DELETE CASCADE,
    chat_id INTEGER NOT NULL,
    turn_id INTEGER NOT NULL,
    speaker TEXT NOT NULL,
    speaker_id INTEGER NOT NULL,
    heard TEXT NOT NULL,
    reason TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX heard_lines_by_chat ON heard_lines (chat_id, at);
CREATE INDEX heard_lines_by_call ON heard_lines (call_id);
CREATE INDEX heard_lines_by_speaker ON heard_lines (speaker_id);
CREATE INDEX exchanges_by_call ON exchanges (call_id);
CREATE INDEX exchanges_by_speaker ON exchanges (speaker_id);
