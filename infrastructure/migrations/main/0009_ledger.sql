-- The ledger: leaf hashes, full tiles, checkpoints. README D7, D8; docs/ledger.md.

ALTER TABLE sequenced ADD COLUMN leaf_hash bytea;
-- An owner who is not a superuser sees rows only while the wall is not forced on owners.
ALTER TABLE sequenced NO FORCE ROW LEVEL SECURITY;
ALTER TABLE event NO FORCE ROW LEVEL SECURITY;
UPDATE sequenced s SET leaf_hash = sha256('\x00'::bytea || e.header) FROM event e
 WHERE e.tenant_id = s.tenant_id AND e.stream_id = s.stream_id AND e.stream_version = s.stream_version;
ALTER TABLE sequenced FORCE ROW LEVEL SECURITY;
ALTER TABLE event FORCE ROW LEVEL SECURITY;
ALTER TABLE sequenced ALTER COLUMN leaf_hash SET NOT NULL, ADD CHECK (octet_length(leaf_hash) = 32);

-- Full tiles only, and insert-only: partial ones are read from leaf_hash, and from the roots of the level below.
CREATE TABLE ledger_tile (
    tenant_id uuid     NOT NULL,
    level     smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    n         bigint   NOT NULL CHECK (n >= 0),
    root      bytea    NOT NULL CHECK (octet_length(root) = 32),
    data      bytea    NOT NULL CHECK (octet_length(data) = 8192),
    PRIMARY KEY (tenant_id, level, n)
);
ALTER TABLE ledger_tile ALTER COLUMN data SET STORAGE EXTERNAL;

-- What the signer signed. `kept` says why a checkpoint stays after the next one; the others are removed.
CREATE TABLE ledger_checkpoint (
    tenant_id    uuid        NOT NULL,
    size         bigint      NOT NULL CHECK (size > 0),
    root         bytea       NOT NULL CHECK (octet_length(root) = 32),
    note         text        NOT NULL,
    signed_at    timestamptz NOT NULL,
    cosigned_at  timestamptz,
    kept         text,
    PRIMARY KEY (tenant_id, size)
);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['ledger_tile', 'ledger_checkpoint'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_wall ON %I TO {{app}} USING (tenant_id = (SELECT wall())) '
                       'WITH CHECK (tenant_id = (SELECT wall()))', t);
    END LOOP;
    EXECUTE 'CREATE POLICY all_tenants ON ledger_tile TO {{sequencer}} USING (true) WITH CHECK (true)';
    FOREACH t IN ARRAY ARRAY['event', 'sequenced', 'ledger_head', 'ledger_tile', 'ledger_checkpoint'] LOOP
        EXECUTE format('CREATE POLICY publishing ON %I TO {{publisher}} USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA public TO {{publisher}};
GRANT EXECUTE ON FUNCTION wall TO {{publisher}};
GRANT SELECT, INSERT ON ledger_tile TO {{sequencer}};
GRANT SELECT ON ledger_tile, ledger_checkpoint TO {{app}};
GRANT UPDATE (kept) ON ledger_checkpoint TO {{app}};
GRANT SELECT ON event, sequenced, ledger_head, sequencer_head, ledger_tile TO {{publisher}};
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger_checkpoint TO {{publisher}};
