-- One row: the number of the last commit.
CREATE TABLE counter (commits INTEGER NOT NULL) STRICT;
INSERT INTO counter VALUES (0);

-- version is the number of the commit that wrote the record; expires_at is in
-- milliseconds since 1970.
CREATE TABLE records (
    key TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    body BLOB NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX records_by_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;

-- ends repeats expires_at, or is the end of time: members that live are one
-- range, counted without a look at the records.
CREATE TABLE indexes (
    name TEXT NOT NULL,
    ends INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (name, ends, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX indexes_by_key ON indexes (key);

-- AUTOINCREMENT: no position is given twice, though old events are deleted.
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    event TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (at);
