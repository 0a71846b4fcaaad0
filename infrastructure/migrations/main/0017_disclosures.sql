-- The read model `disclosures`: who was given whose data, and what became of it. README D6, D12.
-- As of an instant and a position, a disclosure stands as its last step until then says.

CREATE TABLE recipient_v1 (
    tenant_id    uuid        NOT NULL,
    recipient_id uuid        NOT NULL,
    version      int         NOT NULL,
    event_id     uuid        NOT NULL,
    position     bigint      NOT NULL,
    at           timestamptz NOT NULL,
    active       boolean     NOT NULL,
    legal_name   text        NOT NULL,
    address      text        NOT NULL,
    country      text        NOT NULL,
    kind         text        NOT NULL,
    role         text        NOT NULL,
    terms        text        NOT NULL,  -- the rest of them, as JSON
    PRIMARY KEY (tenant_id, recipient_id, version)
);

CREATE TABLE disclosure_v1 (
    tenant_id         uuid        NOT NULL,
    disclosure_id     uuid        NOT NULL,
    event_id          uuid        NOT NULL,
    position          bigint      NOT NULL,
    at                timestamptz NOT NULL,
    recipient_id      uuid,
    recipient_version int,
    country           text,
    purpose           text,
    legal_process_id  uuid,
    opens_at          timestamptz,  -- as its last step says
    facts             text        NOT NULL,  -- what else never changes, as JSON
    PRIMARY KEY (tenant_id, disclosure_id)
);
CREATE INDEX disclosure_v1_by_time ON disclosure_v1 (tenant_id, at, disclosure_id);
CREATE INDEX disclosure_v1_by_recipient ON disclosure_v1 (tenant_id, recipient_id, at, disclosure_id);
CREATE INDEX disclosure_v1_by_purpose ON disclosure_v1 (tenant_id, purpose, at, disclosure_id);
CREATE INDEX disclosure_v1_by_country ON disclosure_v1 (tenant_id, country, at, disclosure_id);
CREATE INDEX disclosure_v1_by_process ON disclosure_v1 (tenant_id, legal_process_id, at, disclosure_id)
    WHERE legal_process_id IS NOT NULL;

CREATE TABLE disclosure_step_v1 (
    tenant_id     uuid        NOT NULL,
    disclosure_id uuid        NOT NULL,
    position      bigint      NOT NULL,
    event_id      uuid        NOT NULL,
    at            timestamptz NOT NULL,
    happened      text        NOT NULL,
    outcome       text        NOT NULL,
    shared        boolean     NOT NULL,
    opens_at      timestamptz,
    detail        text        NOT NULL,  -- JSON
    PRIMARY KEY (tenant_id, disclosure_id, position)
);

-- One row for a person and a disclosure. `listed_id` is how the event names them: a tag, under a gag, and `subject_id`
-- the person. What totals are made of is here as the last step that changed it left it, and which one that was: totals
-- as of an earlier moment ask the steps, but only of the few rows that have changed since.
CREATE TABLE shared_v1 (
    tenant_id        uuid        NOT NULL,
    disclosure_id    uuid        NOT NULL,
    listed_id        uuid        NOT NULL,
    subject_id       uuid        NOT NULL,
    consent_id       uuid,
    consent_at_send  text        NOT NULL,
    at               timestamptz NOT NULL,
    position         bigint      NOT NULL,
    recipient_id     uuid,
    marketing        boolean     NOT NULL,
    shared           boolean     NOT NULL,
    opens_at         timestamptz,
    settled_at       timestamptz NOT NULL,
    settled_position bigint      NOT NULL,
    PRIMARY KEY (tenant_id, disclosure_id, listed_id)
);
CREATE INDEX shared_v1_by_subject ON shared_v1 (tenant_id, subject_id, at, disclosure_id)
    INCLUDE (position, recipient_id, marketing, shared, opens_at, settled_at, settled_position);

-- The last position of a tenant that was recorded by an instant, -1 for none. Recorded times never decrease within a
-- tenant, so halving finds it; an index by time would be paid for at every append.
CREATE FUNCTION known_position(p_tenant uuid, p_at timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_low  bigint := -1;
    v_high bigint;
    v_mid  bigint;
BEGIN
    SELECT coalesce(max(s.position), -1) INTO v_high FROM sequenced s WHERE s.tenant_id = p_tenant;
    WHILE v_low < v_high LOOP
        v_mid := (v_low + v_high + 1) / 2;
        PERFORM FROM sequenced s
          WHERE s.tenant_id = p_tenant AND s.position = v_mid AND s.recorded_at <= p_at;
        IF FOUND THEN
            v_low := v_mid;
        ELSE
            v_high := v_mid - 1;
        END IF;
    END LOOP;
    RETURN v_low;
END $$;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['recipient_v1', 'disclosure_v1', 'disclosure_step_v1', 'shared_v1'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_wall ON %I TO {{app}} USING (tenant_id = (SELECT wall())) '
                       'WITH CHECK (tenant_id = (SELECT wall()))', t);
        EXECUTE format('CREATE POLICY every_tenant ON %I TO {{follower}} USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY restoring ON %I TO {{restorer}} USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;

REVOKE ALL ON FUNCTION known_position FROM PUBLIC;
GRANT EXECUTE ON FUNCTION known_position TO {{app}};
GRANT SELECT ON recipient_v1, disclosure_v1, disclosure_step_v1, shared_v1 TO {{app}};
GRANT SELECT, INSERT, UPDATE, DELETE ON recipient_v1, disclosure_v1, disclosure_step_v1, shared_v1 TO {{follower}};
GRANT SELECT, DELETE ON recipient_v1, disclosure_v1, disclosure_step_v1, shared_v1 TO {{restorer}};
