-- A phone number may be shared: only an e-mail address leads to one person.

ALTER TABLE blind_index DROP CONSTRAINT blind_index_pkey;
ALTER TABLE blind_index ADD PRIMARY KEY (tenant_id, kind, digest, subject_id);
CREATE UNIQUE INDEX blind_index_one_email ON blind_index (tenant_id, kind, digest) WHERE kind = 'email';

-- Let a digest lead to a subject, pending; whose it is: another's for an e-mail address that was taken.
CREATE FUNCTION claim_contact(
    p_tenant uuid, p_epoch int, p_kind text, p_digest bytea, p_inner bytea, p_at timestamptz, p_subject uuid
) RETURNS TABLE (subject_id uuid, fresh boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_subject uuid;
    v_fresh   boolean;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(mint_lock());
    PERFORM 1 FROM epoch WHERE epoch = p_epoch AND current;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'DB101', MESSAGE = 'the epoch has turned';
    END IF;
    INSERT INTO blind_index VALUES (p_tenant, p_kind, p_digest, p_subject, p_inner, true, p_at)
    ON CONFLICT DO NOTHING;
    v_fresh := FOUND;
    SELECT subject_id INTO v_subject FROM blind_index
     WHERE tenant_id = p_tenant AND kind = p_kind AND digest = p_digest
       AND (kind = 'email' OR subject_id = p_subject);
    RETURN QUERY SELECT v_subject, v_fresh;
END $$;

REVOKE ALL ON FUNCTION claim_contact FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_contact TO {{keys}};
