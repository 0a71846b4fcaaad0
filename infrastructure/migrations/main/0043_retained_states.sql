-- What a tenant's rows of a read model were after a position of their log, packed: looking back begins at the nearest
-- one. It follows from the events, and is made by the code of `fingerprint` alone, for one filling (`generation`) of the
-- model's tables.

CREATE TABLE retained_state (
    tenant_id   uuid    NOT NULL,
    name        text    NOT NULL,
    version     int     NOT NULL,
    generation  bigint  NOT NULL,
    fingerprint text    NOT NULL,
    position    bigint  NOT NULL CHECK (position >= 0),
    packed      bytea[] NOT NULL,  -- of each of its tables, in their order
    PRIMARY KEY (tenant_id, name, version, generation, fingerprint, position)
);
ALTER TABLE retained_state ALTER COLUMN packed SET STORAGE EXTERNAL;  -- it is compressed
ALTER TABLE retained_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE retained_state FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON retained_state TO {{app}}
    USING (tenant_id = (SELECT wall())) WITH CHECK (tenant_id = (SELECT wall()));
CREATE POLICY every_tenant ON retained_state TO {{follower}} USING (true) WITH CHECK (true);
CREATE POLICY restoring ON retained_state TO {{restorer}} USING (true) WITH CHECK (true);
GRANT SELECT ON retained_state TO {{app}};
GRANT SELECT, INSERT, DELETE ON retained_state TO {{follower}};
GRANT SELECT, DELETE ON retained_state TO {{restorer}};
