-- A new customer's keys are what the caller brought: they need not be read back. And the tree is looked at once.
--
-- As in 0004 otherwise: who has this digest; p_candidate, made ready with its keys, when nobody has.
CREATE OR REPLACE FUNCTION find_or_prepare(
    p_tenant uuid, p_epoch int, p_revision bigint, p_kind text, p_bucket int, p_digest bytea, p_inner bytea,
    p_at timestamptz, p_candidate uuid, p_classes text[], p_key_ids uuid[], p_buckets int[], p_wrapped bytea[]
) RETURNS TABLE (subject_id uuid, pending boolean, retention_class text, key_id uuid, bucket int, wrapped bytea)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_subject uuid;
    v_pending boolean;
    v_made    int;
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
        INSERT INTO blind_index (tenant_id, kind, digest, subject_id, inner_sealed, pending, made_at, bucket)
        VALUES (p_tenant, p_kind, p_digest, p_candidate, p_inner, true, p_at, p_bucket)
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            INSERT INTO subject_key (tenant_id, subject_id, retention_class, key_id, bucket, wrapped)
            SELECT p_tenant, p_candidate, c, k, b, w
              FROM unnest(p_classes, p_key_ids, p_buckets, p_wrapped) AS x(c, k, b, w)
            ON CONFLICT DO NOTHING;
            GET DIAGNOSTICS v_made = ROW_COUNT;
            IF v_made = cardinality(p_classes) THEN
                RETURN QUERY SELECT p_candidate, true, c, k, b, w
                               FROM unnest(p_classes, p_key_ids, p_buckets, p_wrapped) AS x(c, k, b, w);
                RETURN;
            END IF;
        END IF;
        SELECT b.subject_id, b.pending INTO v_subject, v_pending FROM blind_index b
         WHERE b.tenant_id = p_tenant AND b.kind = p_kind AND b.digest = p_digest;
    END IF;
    RETURN QUERY
        SELECT v_subject, v_pending, s.retention_class, s.key_id, s.bucket, s.wrapped
          FROM (SELECT 1) one LEFT JOIN subject_key s
            ON s.tenant_id = p_tenant AND s.subject_id = v_subject AND s.retention_class = ANY (p_classes)
           AND s.destroyed_at IS NULL;
END $$;
