-- All that listing or claiming a slot needs, read in one call. README D4.
--
-- Plain comparisons of times, no range operators: those are not leakproof and would lose their index under
-- row-level security. A reservation reaches at most four days (a visit of one day and two buffers of one day), so an
-- end soon after the range bounds the scan. Asking for them in order of their end, with sorting
-- switched off, keeps the planner on the index by time, whatever its statistics: the one behind `no_overlap` would read
-- all that a staff member ever had.

CREATE FUNCTION booking_facts(p_tenant uuid, p_service uuid, p_from bigint, p_to bigint, p_staff uuid)
RETURNS TABLE (what text, id uuid, version int, created_at timestamptz, body text)
LANGUAGE plpgsql STABLE SET enable_sort = off AS $$
#variable_conflict use_column
DECLARE
    v_service catalog;
    v_staff   uuid[];
BEGIN
    SELECT * INTO v_service FROM catalog c
     WHERE c.tenant_id = p_tenant AND c.id = p_service AND c.kind = 'service';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    v_staff := ARRAY(
        SELECT staff_id FROM offering o
         WHERE o.tenant_id = p_tenant AND o.service_id = p_service AND (p_staff IS NULL OR o.staff_id = p_staff));
    RETURN QUERY SELECT v_service.kind, v_service.id, v_service.version, v_service.created_at, v_service.state;
    RETURN QUERY
    SELECT c.kind, c.id, c.version, c.created_at, c.state FROM catalog c
     WHERE c.tenant_id = p_tenant AND c.id = ANY (v_staff || ARRAY(
        SELECT jsonb_array_elements_text(v_service.state::jsonb -> 'terms' -> 'location_ids')::uuid));
    RETURN QUERY
    SELECT 'occupied', r.owner_id, r.capacity, NULL::timestamptz, jsonb_build_array(
            r.staff_id, r.service_id, r.visit_start, r.visit_end, r.starts_at, r.ends_at, r.kind, r.expires_at,
            CASE WHEN r.kind = 'session' THEN (
                SELECT jsonb_agg(jsonb_build_array(s.owner_id, s.kind, s.expires_at) ORDER BY s.seat_no)
                  FROM seat s WHERE s.tenant_id = p_tenant AND s.session_id = r.owner_id) END)::text
      FROM unnest(v_staff) AS who(id)
     CROSS JOIN LATERAL (
        SELECT * FROM reservation r
         WHERE r.tenant_id = p_tenant AND r.staff_id = who.id
           AND r.ends_at > p_from AND r.ends_at < p_to + 345600 AND r.starts_at < p_to
         ORDER BY r.ends_at) r;
    RETURN QUERY
    SELECT 'busy', b.staff_id, NULL::int, NULL::timestamptz,
           jsonb_agg(jsonb_build_array(b.starts_at, b.ends_at) ORDER BY b.starts_at)::text
      FROM busy_block b
     WHERE b.tenant_id = p_tenant AND b.staff_id = ANY (v_staff) AND b.ends_at > p_from AND b.starts_at < p_to
     GROUP BY b.staff_id;
END $$;
