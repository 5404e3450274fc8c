CREATE TABLE appointments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chat_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    method TEXT NOT NULL,
    target TEXT NOT NULL,
    opening TEXT NOT NULL,
    purpose TEXT NOT NULL,
    longest_s REAL NOT NULL,
    once_at REAL,
    days TEXT NOT NULL,
    time_of_day TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    created_by INTEGER NOT NULL,
    created_at REAL NOT NULL,
    ended_at REAL
) STRICT;
CREATE INDEX appointments_ended ON appointments (ended_at);

CREATE TABLE appointment_runs (
    appointment_id INTEGER NOT NULL REFERENCES appointments (id) ON DELETE CASCADE,
    occurrence TEXT NOT NULL,
    due_at REAL NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_try_at REAL,
    changed_at REAL NOT NULL,
    PRIMARY KEY (appointment_id, occurrence)
) STRICT, WITHOUT ROWID;
