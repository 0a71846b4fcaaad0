-- The blind index stands in the buckets of the key tree: a bucket that is re-keyed makes old copies of its rows noise,
-- and no erasure has to write the whole index anew. README D5, D9.
--
-- bucket = 12 bits of inner; digest = HMAC(a key derived from the bucket's key, inner); inner is sealed under the
-- bucket's key. Without a bucket a row is of the old kind (under the epoch's key): it is brought over before anybody
-- looks anything up.
ALTER TABLE blind_index ADD COLUMN bucket int CHECK (bucket >= 0 AND bucket < 4096);
CREATE INDEX blind_index_by_bucket ON blind_index (bucket);
CREATE INDEX blind_index_of_old ON blind_index (tenant_id, kind, digest) WHERE bucket IS NULL;
GRANT SELECT, DELETE, UPDATE (bucket, digest, inner_sealed) ON blind_index TO {{shredder}};

-- Hold the tree as the caller knows it until the transaction ends. Every writer calls it first: re-keying holds the
-- lock alone, so nothing is ever wrapped under a bucket key that is gone.
CREATE FUNCTION require_tree(p_epoch int, p_revision bigint, p_buckets int[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(mint_lock());
    PERFORM 1 FROM epoch WHERE epoch = p_epoch AND current;
    IF NOT FOUND OR EXISTS (SELECT FROM bucket_key WHERE epoch = p_epoch AND bucket = ANY (p_buckets)
                               AND revision > p_revision) THEN
        RAISE EXCEPTION USING ERRCODE = 'DB101', MESSAGE = 'the key tree was re-keyed';
    END IF;
END $$;

DROP FUNCTION mint_keys;
CREATE FUNCTION mint_keys(
    p_tenant uuid, p_epoch int, p_revision bigint, p_subject uuid,
    p_classes text[], p_key_ids uuid[], p_buckets int[], p_wrapped bytea[]
) RETURNS TABLE (retention_class text, key_id uuid, bucket int, wrapped bytea)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM require_tree(p_epoch, p_revision, p_buckets);
    INSERT INTO subject_key (tenant_id, subject_id, retention_class, key_id, bucket, wrapped)
    SELECT p_tenant, p_subject, c, k, b, w FROM unnest(p_classes, p_key_ids, p_buckets, p_wrapped) AS x(c, k, b, w)
    ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT s.retention_class, s.key_id, s.bucket, s.wrapped FROM subject_key s
     WHERE s.tenant_id = p_tenant AND s.subject_id = p_subject AND s.retention_class = ANY (p_classes)
       AND s.destroyed_at IS NULL;
END $$;

-- Who has this digest; p_candidate, made ready with its keys, when nobody has. A digest under an older key of its
-- bucket finds nobody, and then minting turns the caller away.
DROP FUNCTION find_or_prepare;
CREATE FUNCTION find_or_prepare(
    p_tenant uuid, p_epoch int, p_revision bigint, p_kind text, p_bucket int, p_digest bytea, p_inner bytea,
    p_at timestamptz, p_candidate uuid, p_classes text[], p_key_ids uuid[], p_buckets int[], p_wrapped bytea[]
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
        PERFORM require_tree(p_epoch, p_revision, p_buckets || p_bucket);
        PERFORM 1 FROM mint_keys(
            p_tenant, p_epoch, p_revision, p_candidate, p_classes, p_key_ids, p_buckets, p_wrapped);
        INSERT INTO blind_index (tenant_id, kind, digest, subject_id, inner_sealed, pending, made_at, bucket)
        VALUES (p_tenant, p_kind, p_digest, p_candidate, p_inner, true, p_at, p_bucket)
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
           AND s.destroyed_at IS NULL;
END $$;

-- Let a digest lead to a subject, pending; whose it is: another's for an e-mail address that was taken. Nothing leads
-- to somebody whose profile is destroyed: a claim that was on its way then would be left behind.
DROP FUNCTION claim_contact;
CREATE FUNCTION claim_contact(
    p_tenant uuid, p_epoch int, p_revision bigint, p_kind text, p_bucket int, p_digest bytea, p_inner bytea,
    p_at timestamptz, p_subject uuid
) RETURNS TABLE (subject_id uuid, fresh boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_subject uuid;
    v_fresh   boolean;
BEGIN
    PERFORM require_tree(p_epoch, p_revision, ARRAY[p_bucket]);
    PERFORM 1 FROM subject_key WHERE tenant_id = p_tenant AND subject_id = p_subject AND retention_class = 'profile'
     HAVING bool_and(destroyed_at IS NOT NULL);
    IF FOUND THEN
        RETURN QUERY SELECT p_subject, false;
        RETURN;
    END IF;
    INSERT INTO blind_index (tenant_id, kind, digest, subject_id, inner_sealed, pending, made_at, bucket)
    VALUES (p_tenant, p_kind, p_digest, p_subject, p_inner, true, p_at, p_bucket)
    ON CONFLICT DO NOTHING;
    v_fresh := FOUND;
    SELECT subject_id INTO v_subject FROM blind_index
     WHERE tenant_id = p_tenant AND kind = p_kind AND digest = p_digest
       AND (kind = 'email' OR subject_id = p_subject);
    RETURN QUERY SELECT v_subject, v_fresh;
END $$;

-- A digest is the subject's from now on, and no other of its kind; none at all where it is NULL.
CREATE FUNCTION settle_contact(
    p_tenant uuid, p_epoch int, p_revision bigint, p_subject uuid, p_kind text, p_bucket int, p_digest bytea
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM require_tree(p_epoch, p_revision, ARRAY[p_bucket]);
    UPDATE blind_index SET pending = false
     WHERE tenant_id = p_tenant AND subject_id = p_subject AND kind = p_kind AND digest = p_digest;
    DELETE FROM blind_index WHERE tenant_id = p_tenant AND subject_id = p_subject AND kind = p_kind
       AND (p_digest IS NULL OR digest <> p_digest);
END $$;

CREATE FUNCTION unclaim_contact(
    p_tenant uuid, p_epoch int, p_revision bigint, p_subject uuid, p_kind text, p_bucket int, p_digest bytea
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM require_tree(p_epoch, p_revision, ARRAY[p_bucket]);
    DELETE FROM blind_index
     WHERE tenant_id = p_tenant AND subject_id = p_subject AND kind = p_kind AND digest = p_digest;
END $$;

-- These name no bucket, but must not meet a re-keying half way: each would wait for a row of the other.
CREATE FUNCTION settle_subject(p_tenant uuid, p_subject uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(mint_lock());
    UPDATE blind_index SET pending = false WHERE tenant_id = p_tenant AND subject_id = p_subject;
END $$;

-- Unless someone has asked for the address again: its keys may be in use by an append.
CREATE FUNCTION abandon_subject(p_tenant uuid, p_subject uuid, p_before timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(mint_lock());
    DELETE FROM blind_index
     WHERE tenant_id = p_tenant AND subject_id = p_subject AND pending AND made_at < p_before;
    IF FOUND THEN
        DELETE FROM subject_key
         WHERE tenant_id = p_tenant AND subject_id = p_subject AND destroyed_at IS NULL;
    END IF;
END $$;

-- A secret of the tenant: the one there is, else this one.
CREATE FUNCTION keep_secret(p_tenant uuid, p_epoch int, p_name text, p_wrapped bytea)
RETURNS TABLE (epoch int, wrapped bytea) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM require_tree(p_epoch, 0, '{}');
    INSERT INTO sealed_secret VALUES (p_tenant, p_name, p_epoch, p_wrapped) ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT s.epoch, s.wrapped FROM sealed_secret s WHERE s.tenant_id = p_tenant AND s.name = p_name;
END $$;

CREATE FUNCTION forget_secrets(p_tenant uuid, p_before text) RETURNS TABLE (name text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock_shared(mint_lock());
    RETURN QUERY DELETE FROM sealed_secret
     WHERE tenant_id = p_tenant AND name LIKE 'answers:%' AND name < p_before RETURNING name;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {{keys}};
GRANT EXECUTE ON FUNCTION mint_lock, wall TO {{shredder}};
