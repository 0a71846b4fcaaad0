-- Which leaves are about whom, and the map that proves it. Derived from the log, and from nothing else:
-- README D7; docs/ledger.md, "Which leaves are about a subject" and "Map".

-- As far as `subject_index.sequence`, every leaf about a subject.
CREATE TABLE subject_leaf (
    tenant_id  uuid   NOT NULL,
    subject_id uuid   NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (tenant_id, subject_id, position)
);
CREATE INDEX subject_leaf_in_order ON subject_leaf (tenant_id, position) INCLUDE (subject_id);

-- The leaves that commit to maps, as far as the same sequence.
CREATE TABLE map_leaf (
    tenant_id uuid   NOT NULL,
    position  bigint NOT NULL,
    covers    bigint NOT NULL,
    PRIMARY KEY (tenant_id, position)
);
CREATE INDEX map_leaf_by_size ON map_leaf (tenant_id, covers);

CREATE TABLE subject_index (
    one      boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    sequence bigint  NOT NULL
);
INSERT INTO subject_index (sequence) VALUES (0);

-- Every subject's chain and the map over them, as of the leaves below `subject_map.covers`: the three move together.
CREATE TABLE subject_chain (
    tenant_id uuid   NOT NULL,
    key       bytea  NOT NULL CHECK (octet_length(key) = 32),
    leaves    bigint NOT NULL CHECK (leaves > 0),
    head      bytea  NOT NULL CHECK (octet_length(head) = 32),
    PRIMARY KEY (tenant_id, key)
);

CREATE TABLE subject_map (
    tenant_id uuid     NOT NULL PRIMARY KEY,
    covers    bigint   NOT NULL,
    keys      bigint   NOT NULL,
    previous  bigint,             -- the index of the leaf of the map before
    depth     smallint NOT NULL,
    root      bytea    NOT NULL CHECK (octet_length(root) = 32),
    nodes     bytea    NOT NULL,  -- the top of the tree: infrastructure/ledger/map_buckets.py
    drawn_at  timestamptz NOT NULL
);
ALTER TABLE subject_map ALTER COLUMN nodes SET STORAGE EXTERNAL;

-- Who waits for a map. The cartographer takes wishes away.
CREATE TABLE map_wish (
    tenant_id uuid NOT NULL PRIMARY KEY
);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['subject_leaf', 'map_leaf', 'subject_chain', 'subject_map', 'map_wish'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_wall ON %I TO {{app}} USING (tenant_id = (SELECT wall())) '
                       'WITH CHECK (tenant_id = (SELECT wall()))', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['event', 'sequenced', 'ledger_head', 'subject_leaf', 'map_leaf', 'subject_chain',
                             'subject_map', 'map_wish'] LOOP
        EXECUTE format('CREATE POLICY mapping ON %I TO {{mapper}} USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA public TO {{mapper}};
GRANT EXECUTE ON FUNCTION wall TO {{mapper}};
GRANT SELECT ON event, sequenced, ledger_head TO {{mapper}};
GRANT SELECT, UPDATE ON subject_index TO {{mapper}};
GRANT SELECT, INSERT ON subject_leaf, map_leaf TO {{mapper}};
GRANT SELECT, INSERT, UPDATE ON subject_chain, subject_map TO {{mapper}};
GRANT SELECT, DELETE ON map_wish TO {{mapper}};
GRANT SELECT ON subject_leaf, map_leaf, subject_index, subject_chain, subject_map TO {{app}};
GRANT SELECT, INSERT ON map_wish TO {{app}};
