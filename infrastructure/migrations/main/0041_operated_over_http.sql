-- Read models are operated over HTTP too: what is done to them is on record, and what takes long is a job. README D12.
-- Both are about models, which are all tenants' together; tenants do not see them.

-- Who did what to a read model, when and why. Never changed, never deleted: it is a record.
CREATE TABLE read_model_act (
    number      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text        NOT NULL,
    act         text        NOT NULL
                CHECK (act IN ('pause', 'resume', 'quarantine', 'rebuild', 'switch', 'drop', 'abandon')),
    detail      text,  -- the stream, the job, how it was wanted
    by_whom     text        NOT NULL CHECK (by_whom <> ''),  -- a key; at the machine an account
    of_tenant   uuid,  -- whose key it is
    event_id    uuid,  -- the order, in that tenant's log
    reason      text        CHECK (reason <> ''),
    recorded_at timestamptz NOT NULL
);
GRANT SELECT, INSERT ON read_model_act TO {{follower}};

-- Jobs for the worker: a model has one at a time.
CREATE TABLE read_model_job (
    number     bigint      GENERATED ALWAYS AS IDENTITY,
    id         uuid        PRIMARY KEY,
    name       text        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('rebuild', 'switch', 'drop')),
    state      text        NOT NULL DEFAULT 'waiting' CHECK (state IN
               ('waiting', 'filling', 'comparing', 'switching', 'dropping', 'done', 'failed')),
    outcome    text        CHECK (outcome IN ('filled', 'differs', 'switched', 'dropped')),
    switches   boolean     NOT NULL,
    anyway     boolean     NOT NULL,
    done       bigint      NOT NULL DEFAULT 0,
    total      bigint      NOT NULL DEFAULT 0,
    rate       float8      NOT NULL DEFAULT 0,
    equal      boolean,
    error      text,
    tries      int         NOT NULL DEFAULT 0,  -- how often it was taken up
    failures   int         NOT NULL DEFAULT 0,  -- how often it failed in a way that may pass
    asked_at   timestamptz NOT NULL,
    started_at timestamptz,
    ended_at   timestamptz,
    CHECK ((state IN ('done', 'failed')) = (ended_at IS NOT NULL)),
    CHECK ((state = 'done') = (outcome IS NOT NULL)),
    CHECK ((state = 'failed') <= (error IS NOT NULL))
);
CREATE UNIQUE INDEX read_model_job_open ON read_model_job (name) WHERE ended_at IS NULL;
CREATE INDEX read_model_job_last ON read_model_job (name, number);
GRANT SELECT, INSERT, UPDATE ON read_model_job TO {{follower}};

-- Where a restored database gets events back, what was being made anew begins again when somebody orders it.
GRANT SELECT, UPDATE ON read_model_job TO {{restorer}};
GRANT SELECT, DELETE ON read_model_build TO {{restorer}};
