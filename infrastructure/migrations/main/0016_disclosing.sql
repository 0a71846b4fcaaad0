-- What leaves: visits by person, what the courier has to do, who has whose data. README D6.

CREATE INDEX agenda_v1_by_subject ON agenda_v1 (tenant_id, subject_id, starts_at, booking_id);

-- The read model `courier`: what somebody has to look at, and when. What is to be done is in the stream; a row too many
-- does no harm. `thing_id` is a disclosure, a follow-up, or the event that recipients have to be told of.
CREATE TABLE courier_due_v1 (
    tenant_id    uuid        NOT NULL,
    thing_id     uuid        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('disclosure', 'follow_up', 'change')),
    stream_id    uuid        NOT NULL,
    recipient_id uuid,
    due_at       timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, thing_id)
);
CREATE INDEX courier_due_v1_by_time ON courier_due_v1 (tenant_id, due_at, thing_id);

-- Whose data which disclosure speaks of, the persons behind tags included.
CREATE TABLE courier_handed_v1 (
    tenant_id     uuid NOT NULL,
    subject_id    uuid NOT NULL,
    disclosure_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, subject_id, disclosure_id)
);

-- Follow-ups: what a recipient has to be told of data that it has.
CREATE TABLE courier_follow_up_v1 (
    tenant_id    uuid        NOT NULL,
    follow_up_id uuid        NOT NULL,
    recipient_id uuid        NOT NULL,
    ordered_at   timestamptz NOT NULL,
    is_open      boolean     NOT NULL,
    PRIMARY KEY (tenant_id, follow_up_id)
);
CREATE INDEX courier_follow_up_v1_by_time ON courier_follow_up_v1 (tenant_id, ordered_at, follow_up_id);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['courier_due_v1', 'courier_handed_v1', 'courier_follow_up_v1'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_wall ON %I TO {{app}} USING (tenant_id = (SELECT wall())) '
                       'WITH CHECK (tenant_id = (SELECT wall()))', t);
        EXECUTE format('CREATE POLICY every_tenant ON %I TO {{follower}} USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY restoring ON %I TO {{restorer}} USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON %I TO {{app}}', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO {{follower}}', t);
        EXECUTE format('GRANT SELECT, DELETE ON %I TO {{restorer}}', t);
    END LOOP;
END $$;

-- A change that was followed up is not due any more; what follows from it is on record.
GRANT DELETE ON courier_due_v1 TO {{app}};
