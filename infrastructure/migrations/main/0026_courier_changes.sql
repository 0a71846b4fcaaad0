-- Changes that recipients have to be told of, and openings after which they may be: as the read model `courier` has them,
-- apart from how far they were followed up, which is the courier's own to say. README D6, D12.

CREATE TABLE courier_change_v1 (
    tenant_id uuid   NOT NULL,
    position  bigint NOT NULL,
    kind      text   NOT NULL CHECK (kind IN ('change', 'opening')),
    event_id  uuid   NOT NULL,
    stream_id uuid   NOT NULL,
    PRIMARY KEY (tenant_id, position)
);

-- Everything up to this position was followed up.
CREATE TABLE courier_mark (
    tenant_id uuid   NOT NULL PRIMARY KEY,
    position  bigint NOT NULL
);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['courier_change_v1', 'courier_mark'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_wall ON %I TO {{app}} USING (tenant_id = (SELECT wall())) '
                       'WITH CHECK (tenant_id = (SELECT wall()))', t);
        EXECUTE format('CREATE POLICY every_tenant ON %I TO {{follower}} USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY restoring ON %I TO {{restorer}} USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON %I TO {{app}}, {{follower}}', t);
    END LOOP;
END $$;
GRANT INSERT, UPDATE, DELETE ON courier_change_v1 TO {{follower}};
GRANT SELECT, DELETE ON courier_change_v1 TO {{restorer}};
GRANT INSERT, UPDATE ON courier_mark TO {{app}};

-- The model takes everything in anew, and so does `withheld`, which knows disclosures by their case now; what was
-- followed up before is found to be on record.
REVOKE DELETE ON courier_due_v1 FROM {{app}};
DELETE FROM courier_due_v1;
DELETE FROM courier_handed_v1;
DELETE FROM courier_follow_up_v1;
DELETE FROM withheld_tag_v1;
DELETE FROM withheld_disclosure_v1;
UPDATE read_model SET sequence = 0 WHERE name IN ('courier', 'withheld');
