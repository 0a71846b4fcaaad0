-- The read model `keeping`: of whom something is sealed, by class and age; and until when what an erasure left is kept.

CREATE TABLE keeping_v1 (
    tenant_id       uuid        NOT NULL,
    subject_id      uuid        NOT NULL,
    retention_class text        NOT NULL,
    recorded_at     timestamptz NOT NULL,  -- when the last value of the class was sealed, event time
    kept_until      date,                  -- the last day of an exception; NULL where there is none
    PRIMARY KEY (tenant_id, subject_id, retention_class)
);
CREATE INDEX keeping_v1_by_age ON keeping_v1 (tenant_id, retention_class, recorded_at, subject_id);
CREATE INDEX keeping_v1_by_end ON keeping_v1 (tenant_id, subject_id, kept_until) WHERE kept_until IS NOT NULL;

ALTER TABLE keeping_v1 ENABLE ROW LEVEL SECURITY;
ALTER TABLE keeping_v1 FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON keeping_v1 TO {{app}} USING (tenant_id = (SELECT wall()))
    WITH CHECK (tenant_id = (SELECT wall()));
CREATE POLICY every_tenant ON keeping_v1 TO {{follower}} USING (true) WITH CHECK (true);
CREATE POLICY restoring ON keeping_v1 TO {{restorer}} USING (true) WITH CHECK (true);
GRANT SELECT ON keeping_v1 TO {{app}};
GRANT SELECT, INSERT, UPDATE, DELETE ON keeping_v1 TO {{follower}};
GRANT SELECT, DELETE ON keeping_v1 TO {{restorer}};
