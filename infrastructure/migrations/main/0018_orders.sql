-- The read model `withheld`: disclosures whose tags are not all opened, and when somebody has to look at them. README D7.

CREATE TABLE withheld_disclosure_v1 (
    tenant_id     uuid        NOT NULL,
    disclosure_id uuid        NOT NULL,
    process_id    uuid,
    look_at       timestamptz NOT NULL,  -- its date, or when its gag was changed
    PRIMARY KEY (tenant_id, disclosure_id)
);
CREATE INDEX withheld_disclosure_v1_by_time ON withheld_disclosure_v1 (tenant_id, look_at, disclosure_id);
CREATE INDEX withheld_disclosure_v1_by_process ON withheld_disclosure_v1 (tenant_id, process_id)
    WHERE process_id IS NOT NULL;

CREATE TABLE withheld_tag_v1 (
    tenant_id     uuid    NOT NULL,
    disclosure_id uuid    NOT NULL,
    tag           uuid    NOT NULL,
    person_id     uuid    NOT NULL,
    opened        boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, disclosure_id, tag)
);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['withheld_disclosure_v1', 'withheld_tag_v1'] LOOP
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
