-- What a wanted call is for, and when it ends (seconds since the epoch) though somebody may still be there.
ALTER TABLE wanted_calls ADD COLUMN purpose TEXT NOT NULL DEFAULT '';
ALTER TABLE wanted_calls ADD COLUMN ends_at REAL;
