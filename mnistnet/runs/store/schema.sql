-- Version 5 of the store (PRAGMA user_version).
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    token TEXT UNIQUE,                       -- given by whoever starts it; one token, one run
    turn INTEGER NOT NULL,                   -- place in the queue; a resumed run gets a new one
    attempt INTEGER NOT NULL DEFAULT 0,      -- counts claims, so that a late worker knows it is late
    name TEXT NOT NULL,
    architecture_json TEXT NOT NULL,
    recipe_json TEXT NOT NULL,
    params INTEGER NOT NULL,
    threads INTEGER NOT NULL,
    state TEXT NOT NULL,
    stage TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    stop_requested INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    step INTEGER NOT NULL DEFAULT 0,
    steps INTEGER NOT NULL DEFAULT 0,
    images_per_second REAL,
    test_errors INTEGER,
    test_total INTEGER,
    weights_sha256 TEXT,
    validation_answers_sha256 TEXT,          -- of the files beside its checkpoints; unknown before version 3
    test_answers_sha256 TEXT,
    started_from TEXT,                       -- the run whose weights it starts from; it may be deleted since
    epochs_before INTEGER NOT NULL DEFAULT 0, -- trained until then by that run and those before it
    start_sha256 TEXT,                       -- of its copy of that run's last checkpoint
    search TEXT,                             -- the search that started it as a trial
    trial INTEGER,                           -- the trial's number in the search
    scored INTEGER NOT NULL DEFAULT 1,       -- 0: the test set is not asked at its end
    owner TEXT NOT NULL DEFAULT ''           -- who started it, where people log in; else empty
);

CREATE TABLE epochs (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    epoch INTEGER NOT NULL,
    train_loss REAL NOT NULL,
    train_accuracy REAL NOT NULL,
    validation_loss REAL NOT NULL,
    validation_accuracy REAL NOT NULL,
    learning_rate REAL NOT NULL,
    seconds REAL NOT NULL,
    images_per_second REAL NOT NULL,
    checkpoint TEXT NOT NULL,
    checkpoint_sha256 TEXT NOT NULL,
    guesses_sha256 TEXT,
    PRIMARY KEY (run, epoch)
);

CREATE VIEW overview AS
SELECT
    runs.*,
    coalesce(max(epochs.epoch), 0) AS epochs_done,
    max(epochs.validation_accuracy) AS best_validation_accuracy,
    sum(epochs.seconds) AS train_seconds,
    (
        SELECT last.validation_accuracy FROM epochs AS last
        WHERE last.run = runs.id ORDER BY last.epoch DESC LIMIT 1
    ) AS validation_accuracy
FROM runs LEFT JOIN epochs ON epochs.run = runs.id
GROUP BY runs.number;
