-- The facts of a search over many staff and days, packed: a row for each of the staff instead of one for each reservation.

-- As booking_facts, without counting. What keeps the whole of somebody's time at p_now is two arrays, starts and ends;
-- a reservation that has seats to it keeps its shape. One pass over the reservations for both.
CREATE FUNCTION slot_facts(
    p_tenant uuid, p_service uuid, p_from bigint, p_to bigint, p_now bigint, p_staff uuid)
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
    SELECT 'taken', who.id, NULL::int, NULL::timestamptz, concat(
            '[', translate(concat(coalesce(t.starts, '{}'), ',', coalesce(t.ends, '{}')), '{}', '[]'),
            ',', coalesce(t.seated, '[]'), ']')
      FROM unnest(v_staff) AS who(id)
     CROSS JOIN LATERAL (
        SELECT array_agg(r.starts_at) FILTER (WHERE r.kind <> 'session' AND r.capacity = 1
                    AND (r.expires_at IS NULL OR r.expires_at > p_now)) AS starts,
               array_agg(r.ends_at) FILTER (WHERE r.kind <> 'session' AND r.capacity = 1
                    AND (r.expires_at IS NULL OR r.expires_at > p_now)) AS ends,
               json_agg(json_build_array(
                    r.owner_id, r.capacity, r.service_id, r.visit_start, r.visit_end, r.starts_at, r.ends_at, r.kind,
                    r.expires_at,
                    CASE WHEN r.kind = 'session' THEN (
                        SELECT json_agg(json_build_array(s.owner_id, s.kind, s.expires_at) ORDER BY s.seat_no)
                          FROM seat s WHERE s.tenant_id = p_tenant AND s.session_id = r.owner_id) END))
                    FILTER (WHERE r.kind = 'session' OR r.capacity > 1) AS seated
          FROM reservations_between(p_tenant, who.id, p_from, p_to) r) t;
    RETURN QUERY
    SELECT 'busy', b.staff_id, NULL::int, NULL::timestamptz,
           json_agg(json_build_array(b.starts_at, b.ends_at) ORDER BY b.starts_at)::text
      FROM busy_block b
     WHERE b.tenant_id = p_tenant AND b.staff_id = ANY (v_staff) AND b.ends_at > p_from AND b.starts_at < p_to
     GROUP BY b.staff_id;
END $$;

REVOKE ALL ON FUNCTION slot_facts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION slot_facts TO {{app}};
