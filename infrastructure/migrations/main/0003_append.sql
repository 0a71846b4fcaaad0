-- The one way to append: all of it or nothing. README D3, D4.
--
-- A refusal before anything is written is an answer; after that it is an exception, because only that undoes it.
-- Its SQLSTATE is 'DB' and three digits (see infrastructure/event_recorder.py).

-- Give up what an owner occupies. False when it is not there, or has not expired by p_expired_by.
CREATE FUNCTION release_claim(p_tenant uuid, p_owner uuid, p_expired_by bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_session uuid;
BEGIN
    DELETE FROM reservation
     WHERE tenant_id = p_tenant AND owner_id = p_owner AND kind <> 'session'
       AND (p_expired_by IS NULL OR expires_at <= p_expired_by);
    IF FOUND THEN
        RETURN true;
    END IF;
    SELECT session_id INTO v_session FROM seat WHERE tenant_id = p_tenant AND owner_id = p_owner;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- Claim and release of one session go one at a time.
    PERFORM 1 FROM reservation WHERE tenant_id = p_tenant AND owner_id = v_session FOR UPDATE;
    DELETE FROM seat
     WHERE tenant_id = p_tenant AND owner_id = p_owner
       AND (p_expired_by IS NULL OR expires_at <= p_expired_by);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM reservation r
     WHERE r.tenant_id = p_tenant AND r.owner_id = v_session
       AND NOT EXISTS (SELECT FROM seat s WHERE s.tenant_id = p_tenant AND s.session_id = v_session);
    RETURN true;
END $$;

-- Take one seat of the session (staff, service, start), made here if it is the first. '' when it is taken.
CREATE FUNCTION claim_seat(
    p_tenant uuid, p_owner uuid, p_kind text, p_staff uuid, p_service uuid,
    p_visit_start bigint, p_visit_end bigint, p_starts_at bigint, p_ends_at bigint,
    p_capacity int, p_expires_at bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_session uuid;
    v_seat    int;
BEGIN
    FOR attempt IN 1..3 LOOP
        SELECT owner_id INTO v_session FROM reservation
         WHERE tenant_id = p_tenant AND staff_id = p_staff AND kind = 'session'
           AND service_id = p_service AND visit_start = p_visit_start AND ends_at > p_visit_start
           FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO reservation
        VALUES (p_tenant, gen_random_uuid(), 'session', p_staff, p_service,
                p_visit_start, p_visit_end, p_starts_at, p_ends_at, p_capacity, NULL)
        ON CONFLICT DO NOTHING RETURNING owner_id INTO v_session;
        EXIT WHEN FOUND;
        -- Someone made it meanwhile, or something else stands there: look again.
    END LOOP;
    IF v_session IS NULL THEN
        RETURN 'taken';
    END IF;
    SELECT n INTO v_seat FROM generate_series(1, p_capacity) n
     WHERE NOT EXISTS (SELECT FROM seat s WHERE s.tenant_id = p_tenant AND s.session_id = v_session AND s.seat_no = n)
     ORDER BY n LIMIT 1;
    IF v_seat IS NULL OR p_capacity <= (
        SELECT count(*) FROM seat s WHERE s.tenant_id = p_tenant AND s.session_id = v_session
    ) THEN
        RETURN 'full';
    END IF;
    -- Terms may have changed since the session began: it takes the longest time that a seat of it was sold for.
    -- Where that runs into another reservation, the constraint says so.
    UPDATE reservation
       SET starts_at = least(starts_at, p_starts_at), ends_at = greatest(ends_at, p_ends_at),
           visit_end = greatest(visit_end, p_visit_end), capacity = greatest(capacity, p_capacity)
     WHERE tenant_id = p_tenant AND owner_id = v_session
       AND (starts_at > p_starts_at OR ends_at < p_ends_at OR visit_end < p_visit_end OR capacity < p_capacity);
    INSERT INTO seat VALUES (p_tenant, v_session, v_seat, p_owner, p_kind, p_expires_at);
    RETURN '';
END $$;

-- Releases, then claims. '' when all was done; the outcome otherwise.
CREATE FUNCTION settle_claims(p_tenant uuid, p_releases jsonb, p_claims jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    c       record;
    refused text;
BEGIN
    FOR c IN SELECT * FROM jsonb_to_recordset(p_releases) AS r(owner uuid, expired_by bigint) LOOP
        IF NOT release_claim(p_tenant, c.owner, c.expired_by) THEN
            RETURN 'moved';
        END IF;
    END LOOP;
    FOR c IN
        SELECT * FROM jsonb_to_recordset(p_claims) AS r(
            owner uuid, kind text, staff uuid, service uuid, "start" bigint, "end" bigint,
            "from" bigint, "to" bigint, capacity int, expires_at bigint)
    LOOP
        IF c.capacity > 1 THEN
            refused := claim_seat(p_tenant, c.owner, c.kind, c.staff, c.service,
                                  c."start", c."end", c."from", c."to", c.capacity, c.expires_at);
            IF refused <> '' THEN
                RETURN refused;
            END IF;
        ELSE
            INSERT INTO reservation
            VALUES (p_tenant, c.owner, c.kind, c.staff, c.service,
                    c."start", c."end", c."from", c."to", 1, c.expires_at)
            ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                RETURN 'taken';
            END IF;
        END IF;
    END LOOP;
    RETURN '';
END $$;

-- What an import says of [from, to) replaces what was said before; blocks that reach out of it keep the outside.
CREATE FUNCTION replace_busy(p_tenant uuid, p_busy jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_staff uuid   := (p_busy ->> 'staff')::uuid;
    v_from  bigint := (p_busy ->> 'from')::bigint;
    v_to    bigint := (p_busy ->> 'to')::bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(subject_lock(p_tenant, v_staff));
    WITH gone AS (
        DELETE FROM busy_block
         WHERE tenant_id = p_tenant AND staff_id = v_staff AND ends_at > v_from AND starts_at < v_to
        RETURNING starts_at, ends_at
    )
    INSERT INTO busy_block
    SELECT p_tenant, v_staff, s, e FROM (
        SELECT starts_at AS s, v_from AS e FROM gone WHERE starts_at < v_from
        UNION ALL SELECT v_to, ends_at FROM gone WHERE ends_at > v_to
        UNION ALL SELECT (b ->> 0)::bigint, (b ->> 1)::bigint FROM jsonb_array_elements(p_busy -> 'blocks') b
    ) kept
    ON CONFLICT (tenant_id, staff_id, starts_at) DO UPDATE SET ends_at = excluded.ends_at;
END $$;

CREATE FUNCTION set_catalog(p_tenant uuid, p_entries jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    FOR c IN
        SELECT * FROM jsonb_to_recordset(p_entries) AS r(
            id uuid, kind text, version int, created_at timestamptz, state text, offers jsonb)
    LOOP
        INSERT INTO catalog VALUES (p_tenant, c.id, c.kind, c.version, c.created_at, c.state)
        ON CONFLICT (tenant_id, id) DO UPDATE SET version = excluded.version, state = excluded.state;
        IF c.offers IS NOT NULL THEN
            DELETE FROM offering WHERE tenant_id = p_tenant AND staff_id = c.id;
            INSERT INTO offering
            SELECT DISTINCT p_tenant, s::uuid, c.id FROM jsonb_array_elements_text(c.offers) s;
        END IF;
    END LOOP;
END $$;

-- p_effects: {"releases": [], "claims": [], "busy": {}, "catalog": []}, or NULL when there are none.
-- p_subjects and p_classes pair up: what the events seal values for.
CREATE FUNCTION append_events(
    p_tenant uuid, p_streams uuid[], p_versions int[], p_ids uuid[], p_types text[],
    p_headers bytea[], p_states bytea[], p_subjects uuid[], p_classes text[],
    p_effects jsonb, p_answer_row uuid, p_status int, p_answer_headers text, p_body bytea
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n       int := cardinality(p_ids);
    outcome text;
BEGIN
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
