-- The read model `consents`: every record of what people said, by person, and those that will expire.

CREATE TABLE consents_v1 (
    tenant_id      uuid        NOT NULL,
    consent_id     uuid        NOT NULL,
    subject_id     uuid        NOT NULL,
    purpose        text,                  -- NULL for one that is not listed, and was rejected
    decision       text        NOT NULL,  -- given, refused, withdrawn, expired, rejected
    said_at        timestamptz NOT NULL,  -- event time
    method         text,
    channel        text,
    expires_at     timestamptz,
    replaces       uuid,
    policy_id      uuid,
    policy_version text,
    notice_sha256  text,
    reason         text,                  -- why it was rejected
    actor          text        NOT NULL,
    event_id       uuid        NOT NULL,
    version        int         NOT NULL,  -- in the person's stream
    evidence       text,                  -- the envelope, whole
    ended          boolean     NOT NULL DEFAULT false,  -- another record has taken its place
    PRIMARY KEY (tenant_id, consent_id)
);
CREATE INDEX consents_v1_by_subject ON consents_v1 (tenant_id, subject_id, version);
CREATE INDEX consents_v1_by_expiry ON consents_v1 (tenant_id, expires_at) WHERE expires_at IS NOT NULL AND NOT ended;

ALTER TABLE consents_v1 ENABLE ROW LEVEL SECURITY;
ALTER TABLE consents_v1 FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON consents_v1 TO {{app}} USING (tenant_id = (SELECT wall()))
    WITH CHECK (tenant_id = (SELECT wall()));
CREATE POLICY every_tenant ON consents_v1 TO {{follower}} USING (true) WITH CHECK (true);
CREATE POLICY restoring ON consents_v1 TO {{restorer}} USING (true) WITH CHECK (true);
GRANT SELECT ON consents_v1 TO {{app}};
GRANT SELECT, INSERT, UPDATE, DELETE ON consents_v1 TO {{follower}};
GRANT SELECT, DELETE ON consents_v1 TO {{restorer}};
