-- The key tree: epoch key (a file, never here) -> bucket keys -> subject keys; and the blind index. README D5, D9.
-- Wrapped keys only. Statistics are off on them, so that no copy stays in pg_statistic.

CREATE FUNCTION wall() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('daybook.tenant', true), '')::uuid $$;

CREATE TABLE epoch (
    epoch    int         NOT NULL PRIMARY KEY,
    current  boolean     NOT NULL,
    begun_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX one_current_epoch ON epoch (current) WHERE current;

CREATE TABLE bucket_key (
    epoch   int   NOT NULL REFERENCES epoch,
    bucket  int   NOT NULL CHECK (bucket >= 0 AND bucket < 4096),
    wrapped bytea NOT NULL,
    PRIMARY KEY (epoch, bucket)
);
ALTER TABLE bucket_key ALTER COLUMN wrapped SET STATISTICS 0;

CREATE TABLE subject_key (
    tenant_id       uuid        NOT NULL,
    subject_id      uuid        NOT NULL,
    retention_class text        NOT NULL,
    key_id          uuid        NOT NULL,
    bucket          int         NOT NULL,
    wrapped         bytea,
    destroyed_at    timestamptz,  -- the tombstone: a missing key without one is an alarm, not an erasure
    PRIMARY KEY (tenant_id, subject_id, retention_class, key_id),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
ALTER TABLE subject_key ALTER COLUMN wrapped SET STATISTICS 0;
CREATE UNIQUE INDEX one_live_key ON subject_key (tenant_id, subject_id, retention_class) WHERE wrapped IS NOT NULL;

-- One row per secret that is not a subject's: a tenant's index key, a day's answer key.
CREATE TABLE sealed_secret (
    tenant_id uuid  NOT NULL,
    name      text  NOT NULL,
    epoch     int   NOT NULL REFERENCES epoch,
    wrapped   bytea NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
ALTER TABLE sealed_secret ALTER COLUMN wrapped SET STATISTICS 0;

-- digest = HMAC(epoch key, inner), inner = HMAC(tenant's index key, normalised value), kept sealed under the epoch.
CREATE TABLE blind_index (
    tenant_id  uuid        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('email', 'phone')),
    digest     bytea       NOT NULL,
    subject_id uuid        NOT NULL,
    inner_sealed bytea     NOT NULL,
    pending    boolean     NOT NULL,
    made_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, kind, digest)
);
ALTER TABLE blind_index ALTER COLUMN inner_sealed SET STATISTICS 0;
ALTER TABLE blind_index ALTER COLUMN digest SET STATISTICS 0;
CREATE INDEX blind_index_pending ON blind_index (tenant_id, made_at) WHERE pending;
CREATE INDEX blind_index_by_subject ON blind_index (tenant_id, subject_id);

-- Minting holds this shared, turning the epoch holds it alone: no key is ever minted under an epoch that is going.
CREATE FUNCTION mint_lock() RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT 4837192001::bigint $$;

-- Make keys for a subject where it has none live; the live keys of the classes asked for.
CREATE FUNCTION mint_keys(
    p_tenant uuid, p_epoch int, p_subject uuid, p_classes text[], p_key_ids uuid[], p_buckets int[], p_wrapped bytea[]
) RETURNS TABLE (retention_class text, key_id uuid, bucket int, wrapped bytea)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock_shared(mint_lock());
    PERFORM 1 FROM epoch WHERE epoch = p_epoch AND current;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'DB101', MESSAGE = 'the epoch has turned';
    END IF;
    INSERT INTO subject_key (tenant_id, subject_id, retention_class, key_id, bucket, wrapped)
    SELECT p_tenant, p_subject, c, k, b, w FROM unnest(p_classes, p_key_ids, p_buckets, p_wrapped) AS x(c, k, b, w)
    ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT s.retention_class, s.key_id, s.bucket, s.wrapped FROM subject_key s
     WHERE s.tenant_id = p_tenant AND s.subject_id = p_subject AND s.retention_class = ANY (p_classes)
       AND s.wrapped IS NOT NULL;
END $$;

-- Who has this digest; p_candidate, made ready with its keys, when nobody has.
CREATE FUNCTION find_or_prepare(
    p_tenant uuid, p_epoch int, p_kind text, p_digest bytea, p_inner bytea, p_at timestamptz,
    p_candidate uuid, p_classes text[], p_key_ids uuid[], p_buckets int[], p_wrapped bytea[]
) RETURNS TABLE (subject_id uuid, pending boolean, retention_class text, key_id uuid, bucket int, wrapped bytea)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_subject uuid;
    v_pending boolean;
BEGIN
    SELECT b.subject_id, b.pending INTO v_subject, v_pending FROM blind_index b
     WHERE b.tenant_id = p_tenant AND b.kind = p_kind AND b.digest = p_digest;
    IF v_pending THEN
        -- It is on its way again: no sweep may take its keys now. One that just has is waited for.
        UPDATE blind_index SET made_at = greatest(made_at, p_at)
         WHERE tenant_id = p_tenant AND kind = p_kind AND digest = p_digest;
        IF NOT FOUND THEN
            v_subject := NULL;
        END IF;
    END IF;
    IF v_subject IS NULL THEN
        PERFORM 1 FROM mint_keys(p_tenant, p_epoch, p_candidate, p_classes, p_key_ids, p_buckets, p_wrapped);
        INSERT INTO blind_index VALUES (p_tenant, p_kind, p_digest, p_candidate, p_inner, true, p_at)
        ON CONFLICT DO NOTHING;
        SELECT b.subject_id, b.pending INTO v_subject, v_pending FROM blind_index b
         WHERE b.tenant_id = p_tenant AND b.kind = p_kind AND b.digest = p_digest;
        IF v_subject <> p_candidate THEN  -- someone else was first: these keys are nobody's
            DELETE FROM subject_key WHERE tenant_id = p_tenant AND subject_id = p_candidate;
        END IF;
    END IF;
    RETURN QUERY
        SELECT v_subject, v_pending, s.retention_class, s.key_id, s.bucket, s.wrapped
          FROM (SELECT 1) one LEFT JOIN subject_key s
            ON s.tenant_id = p_tenant AND s.subject_id = v_subject AND s.retention_class = ANY (p_classes)
           AND s.wrapped IS NOT NULL;
END $$;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['subject_key', 'sealed_secret', 'blind_index'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_wall ON %I TO {{keys}} USING (tenant_id = wall()) '
                       'WITH CHECK (tenant_id = wall())', t);
    END LOOP;
END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {{keys}};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {{keys}};
GRANT SELECT ON epoch TO {{keys}};
GRANT SELECT ON bucket_key TO {{keys}};
GRANT SELECT, INSERT, UPDATE, DELETE ON subject_key, sealed_secret, blind_index TO {{keys}};
