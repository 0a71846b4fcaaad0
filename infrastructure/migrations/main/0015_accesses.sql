-- Who looked at whose data, and who was refused. README D6, D7.

-- Denials that are repeated within a minute, counted until an event says how many there were. What is recorded of a kind
-- is the sum over the stream `denial_id`; `settled` only spares looking there again.
CREATE TABLE denial_count (
    tenant_id  uuid        NOT NULL,
    denial_id  uuid        NOT NULL,
    minute     timestamptz NOT NULL,
    actor      text        NOT NULL,
    subject_id uuid,
    case_ref   text,
    reason     text        NOT NULL,
    purpose    text,
    fields     text        NOT NULL,  -- names, with commas between them
    count      int         NOT NULL CHECK (count > 0),
    settled    int         NOT NULL CHECK (settled <= count),
    last_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, denial_id)
);
CREATE INDEX denial_count_by_minute ON denial_count (tenant_id, minute);

-- The read model `accesses`. An event is here once, whoever it is about.
CREATE TABLE access_event_v1 (
    tenant_id   uuid        NOT NULL,
    event_id    uuid        NOT NULL,
    kind        text        NOT NULL,
    happened_at timestamptz NOT NULL,
    actor       text        NOT NULL,
    purpose     text,
    case_ref    text,
    reason      text,
    fields      text        NOT NULL,  -- names, with commas between them
    about       int         NOT NULL,  -- how many persons; of denials, how often
    glass       text,                  -- the reason for which the glass was broken
    PRIMARY KEY (tenant_id, event_id)
);
CREATE INDEX access_event_v1_by_time ON access_event_v1 (tenant_id, happened_at, event_id);
CREATE INDEX access_event_v1_by_actor ON access_event_v1 (tenant_id, actor, happened_at, event_id);
CREATE INDEX access_event_v1_by_purpose ON access_event_v1 (tenant_id, purpose, happened_at, event_id);

-- A row for each person of each event. Where `tag` is given the event speaks of them under it.
CREATE TABLE access_subject_v1 (
    tenant_id      uuid        NOT NULL,
    subject_id     uuid        NOT NULL,
    happened_at    timestamptz NOT NULL,
    event_id       uuid        NOT NULL,
    tag            uuid,
    withheld_until timestamptz,
    opened_at      timestamptz,
    PRIMARY KEY (tenant_id, subject_id, happened_at, event_id)
);
CREATE INDEX access_subject_v1_withheld ON access_subject_v1 (tenant_id, withheld_until)
    WHERE tag IS NOT NULL AND opened_at IS NULL;

-- Whose key an actor is, and in which roles: fixed by the event that issued it.
CREATE TABLE access_holder_v1 (
    tenant_id uuid NOT NULL,
    actor     text NOT NULL,
    holder    text NOT NULL,
    roles     text NOT NULL,  -- with commas between them
    PRIMARY KEY (tenant_id, actor)
);

CREATE TABLE access_review_v1 (
    tenant_id    uuid        NOT NULL,
    event_id     uuid        NOT NULL,
    stream_id    uuid        NOT NULL,
    access_event uuid        NOT NULL,
    broken_at    timestamptz NOT NULL,
    actor        text        NOT NULL,
    reason       text        NOT NULL,
    beyond       text        NOT NULL,
    due_at       timestamptz NOT NULL,
    outcome      text,
    follow_up    text,
    reviewed_at  timestamptz,
    reviewer     text,
    PRIMARY KEY (tenant_id, event_id),
    UNIQUE (tenant_id, stream_id)
);
CREATE INDEX access_review_v1_by_time ON access_review_v1 (tenant_id, broken_at, event_id);
CREATE INDEX access_review_v1_open ON access_review_v1 (tenant_id, due_at) WHERE outcome IS NULL;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['denial_count', 'access_event_v1', 'access_subject_v1', 'access_holder_v1',
                             'access_review_v1'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_wall ON %I TO {{app}} USING (tenant_id = (SELECT wall())) '
                       'WITH CHECK (tenant_id = (SELECT wall()))', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['access_event_v1', 'access_subject_v1', 'access_holder_v1', 'access_review_v1'] LOOP
        EXECUTE format('CREATE POLICY every_tenant ON %I TO {{follower}} USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY restoring ON %I TO {{restorer}} USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON %I TO {{app}}', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO {{follower}}', t);
        EXECUTE format('GRANT SELECT, DELETE ON %I TO {{restorer}}', t);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON denial_count TO {{app}};
