CREATE TABLE invites (
    token_hash BLOB PRIMARY KEY,
    chat_id INTEGER,
    language TEXT,
    longest_s REAL,
    opening TEXT,
    purpose TEXT NOT NULL DEFAULT '',
    created_by INTEGER NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    used_at REAL
) STRICT, WITHOUT ROWID;
CREATE INDEX invites_by_expiry ON invites (expires_at);
