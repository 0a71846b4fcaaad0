-- The events, the queue they wait in for their place, and the order they got.
-- Nothing here decides by now(): every instant is given by the caller's clock.

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- The tenant of the present transaction; NULL (which equals nothing) outside one. README D13.
CREATE FUNCTION wall() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('daybook.tenant', true), '')::uuid $$;

CREATE TABLE event (
    tenant_id      uuid  NOT NULL,
    stream_id      uuid  NOT NULL,
    stream_version int   NOT NULL CHECK (stream_version >= 0),
    event_id       uuid  NOT NULL,
    type           text  NOT NULL,
    header         bytea NOT NULL,  -- the leaf's exact bytes: see infrastructure/event_header.py
    state          bytea NOT NULL,  -- line 1 the plain payload, every further line one envelope
    PRIMARY KEY (tenant_id, stream_id, stream_version)
);
-- No index by event id here: an event is found by it in `sequenced`, and until then in the queue.

-- One row for each append, its events in order: a batch of a hundred waits as one.
-- qid comes from a sequence without cache; the low-water mark of the sequencer rests on that.
CREATE TABLE event_queue (
    qid             bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    tenant_id       uuid   NOT NULL,
    event_ids       uuid[] NOT NULL CHECK (cardinality(event_ids) > 0),
    stream_ids      uuid[] NOT NULL CHECK (cardinality(stream_ids) = cardinality(event_ids)),
    stream_versions int[]  NOT NULL CHECK (cardinality(stream_versions) = cardinality(event_ids))
);

-- Insert-only. `sequence` is the deployment's order (followers only), `position` the tenant's own.
CREATE TABLE sequenced (
    sequence       bigint      NOT NULL PRIMARY KEY CHECK (sequence > 0),
    tenant_id      uuid        NOT NULL,
    position       bigint      NOT NULL CHECK (position >= 0),
    event_id       uuid        NOT NULL,
    stream_id      uuid        NOT NULL,
    stream_version int         NOT NULL,
    recorded_at    timestamptz NOT NULL,
    UNIQUE (tenant_id, position),
    UNIQUE (tenant_id, event_id)
);

CREATE TABLE ledger_head (
    tenant_id   uuid        NOT NULL PRIMARY KEY,
    size        bigint      NOT NULL,
    recorded_at timestamptz NOT NULL
);

-- One row: the head of the deployment's order, moved by compare-and-set, and the queue's low-water mark.
CREATE TABLE sequencer_head (
    one       boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    sequence  bigint  NOT NULL,
    low_water bigint  NOT NULL
);
INSERT INTO sequencer_head (sequence, low_water) VALUES (0, 0);

-- Erasure's fence: no value is sealed for this subject and class any more. README D5.
CREATE TABLE subject_fence (
    tenant_id       uuid        NOT NULL,
    subject_id      uuid        NOT NULL,
    retention_class text        NOT NULL,
    erased_through  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, subject_id, retention_class)
);

CREATE FUNCTION subject_lock(p_tenant uuid, p_subject uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT hashtextextended(p_tenant::text || p_subject::text, 0) $$;

-- Every type of event that a program which used this database may have written. A program that does not know one of
-- them refuses to start.
CREATE TABLE event_type (
    name text NOT NULL PRIMARY KEY
);
