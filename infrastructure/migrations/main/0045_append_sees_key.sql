-- An append looks itself whether the key that asks for it still stands: a call needs no look-up of its own. README D3.

DROP FUNCTION append_events(
    uuid, uuid[], int[], uuid[], text[], bytea[], bytea[], uuid[], text[], jsonb, uuid, int, text, bytea);

-- p_effects: {"releases": [], "claims": [], "busy": {}, "catalog": [], "fences": []}, or NULL when there are none.
-- p_subjects and p_classes pair up: what the events seal values for. p_key: the key that asks, which must have
-- p_key_version; NULL where it was looked at before.
CREATE FUNCTION append_events(
    p_tenant uuid, p_streams uuid[], p_versions int[], p_ids uuid[], p_types text[],
    p_headers bytea[], p_states bytea[], p_subjects uuid[], p_classes text[],
    p_effects jsonb, p_answer_row uuid, p_status int, p_answer_headers text, p_body bytea,
    p_key uuid DEFAULT NULL, p_key_version int DEFAULT NULL
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n       int := cardinality(p_ids);
    outcome text;
BEGIN
    -- Any change of a key is the end of it.
    IF p_key IS NOT NULL THEN
        PERFORM 1 FROM catalog c
          WHERE c.tenant_id = p_tenant AND c.id = p_key AND c.kind = 'key' AND c.version = p_key_version;
        IF NOT FOUND THEN
            RETURN 'revoked';
        END IF;
    END IF;
    -- Whoever seals for these subjects has come to an end before, or finds the fence.
    IF p_effects IS NOT NULL AND p_effects ? 'fences' THEN
        PERFORM pg_advisory_xact_lock(k)
           FROM (SELECT DISTINCT subject_lock(p_tenant, (f ->> 'subject')::uuid) AS k
                   FROM jsonb_array_elements(p_effects -> 'fences') f ORDER BY 1) locks;
        -- Whoever came back since it was looked at whether to erase them is not erased.
        PERFORM 1 FROM jsonb_array_elements(p_effects -> 'fences') f
          WHERE named_since(p_tenant, (f ->> 'subject')::uuid, (f ->> 'unless_after')::bigint);
        IF FOUND THEN
            RETURN 'conflict';
        END IF;
    END IF;
    IF p_subjects IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock_shared(k)
           FROM (SELECT DISTINCT subject_lock(p_tenant, s) AS k FROM unnest(p_subjects) s ORDER BY 1) locks;
        PERFORM 1 FROM subject_fence f JOIN unnest(p_subjects, p_classes) AS x(s, c)
             ON f.subject_id = x.s AND f.retention_class = x.c
          WHERE f.tenant_id = p_tenant;
        IF FOUND THEN
            RETURN 'erased';
        END IF;
    END IF;
    -- A version may only follow one that is committed: so the queue's order is each stream's order.
    IF n = 1 THEN
        IF p_versions[1] > 1 THEN
            PERFORM 1 FROM event
              WHERE tenant_id = p_tenant AND stream_id = p_streams[1] AND stream_version = p_versions[1] - 1;
            IF NOT FOUND THEN
                RETURN 'conflict';
            END IF;
        END IF;
    ELSE
        PERFORM 1 FROM (
            SELECT s, min(v) AS lowest, max(v) AS highest, count(*) AS versions
              FROM unnest(p_streams, p_versions) AS x(s, v) GROUP BY s) g
          WHERE g.highest - g.lowest + 1 <> g.versions
             OR g.lowest > 1 AND NOT EXISTS (
                SELECT FROM event
                 WHERE tenant_id = p_tenant AND stream_id = g.s AND stream_version = g.lowest - 1);
        IF FOUND THEN
            RETURN 'conflict';
        END IF;
    END IF;
    IF p_effects IS NOT NULL AND p_effects ? 'claims' THEN
        outcome := settle_claims(p_tenant, p_effects -> 'releases', p_effects -> 'claims');
        IF outcome <> '' THEN
            IF jsonb_array_length(p_effects -> 'releases') = 0 AND jsonb_array_length(p_effects -> 'claims') = 1
            THEN
                RETURN outcome;
            END IF;
            RAISE EXCEPTION USING ERRCODE = CASE outcome
                WHEN 'taken' THEN 'DB001' WHEN 'full' THEN 'DB002' ELSE 'DB003' END, MESSAGE = 'refused';
        END IF;
    END IF;
    -- A version that is there already is a unique violation, which the caller takes for a conflict.
    IF n = 1 THEN
        INSERT INTO event VALUES
            (p_tenant, p_streams[1], p_versions[1], p_ids[1], p_types[1], p_headers[1], p_states[1]);
    ELSE
        INSERT INTO event
        SELECT p_tenant, s, v, i, t, h, b
          FROM unnest(p_streams, p_versions, p_ids, p_types, p_headers, p_states) AS e(s, v, i, t, h, b);
    END IF;
    INSERT INTO event_queue (tenant_id, event_ids, stream_ids, stream_versions)
    VALUES (p_tenant, p_ids, p_streams, p_versions);
    IF p_effects IS NOT NULL THEN
        IF p_effects ? 'fences' THEN
            INSERT INTO subject_fence
            SELECT p_tenant, (f ->> 'subject')::uuid, c, (f ->> 'through')::timestamptz
              FROM jsonb_array_elements(p_effects -> 'fences') f, jsonb_array_elements_text(f -> 'classes') c
            ON CONFLICT DO NOTHING;
        END IF;
        IF p_effects ? 'busy' THEN
            PERFORM replace_busy(p_tenant, p_effects -> 'busy');
        END IF;
        IF p_effects ? 'catalog' THEN
            PERFORM set_catalog(p_tenant, p_effects -> 'catalog');
        END IF;
    END IF;
    IF p_answer_row IS NOT NULL THEN
        UPDATE kept_answer SET status = p_status, headers = p_answer_headers, body = p_body
         WHERE tenant_id = p_tenant AND row_id = p_answer_row AND status IS NULL;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'DB004', MESSAGE = 'refused';
        END IF;
    END IF;
    RETURN 'appended';
END $$;

REVOKE ALL ON FUNCTION append_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_events TO {{app}};
