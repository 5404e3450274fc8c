-- Telephone calls of the last days, for what may be called within one; seconds is what may be used until it is known what was.
CREATE TABLE phone_calls (
    id INTEGER PRIMARY KEY,
    number TEXT NOT NULL,
    outgoing INTEGER NOT NULL,
    at REAL NOT NULL,
    seconds REAL NOT NULL
) STRICT;
CREATE INDEX phone_calls_by_time ON phone_calls (at);
