-- The facts of a slot, reading no more of a full calendar than they need. README D4.

-- One staff member's reservations that overlap [p_from, p_to). They never overlap each other, so in order of their ends
-- they are in order of their starts too, and at most one that ends later begins before p_to. Plain comparisons, no
-- range operators: those are not leakproof and would lose their index under row-level security.
CREATE FUNCTION reservations_between(p_tenant uuid, p_staff uuid, p_from bigint, p_to bigint)
RETURNS SETOF reservation LANGUAGE sql STABLE AS $$
    (SELECT * FROM reservation r
      WHERE r.tenant_id = p_tenant AND r.staff_id = p_staff AND r.ends_at > p_from AND r.ends_at <= p_to
      ORDER BY r.ends_at)
    UNION ALL
    SELECT * FROM (
        SELECT * FROM reservation r
         WHERE r.tenant_id = p_tenant AND r.staff_id = p_staff AND r.ends_at > p_from AND r.ends_at > p_to
         ORDER BY r.ends_at LIMIT 1) next
     WHERE next.starts_at < p_to
$$;

DROP FUNCTION booking_facts(uuid, uuid, bigint, bigint, uuid);

-- All that listing or claiming a slot needs, read in one call. Asking in order of ends, with sorting switched off, keeps
-- the planner on the index by time, whatever its statistics: the one behind `no_overlap` would read all that a staff
-- member ever had. p_count_from..p_count_to: where bookings are counted, NULL when they need not be.
CREATE FUNCTION booking_facts(
    p_tenant uuid, p_service uuid, p_from bigint, p_to bigint, p_staff uuid,
    p_count_from bigint, p_count_to bigint, p_now bigint, p_not uuid)
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
    SELECT 'occupied', r.owner_id, r.capacity, NULL::timestamptz, json_build_array(
            r.staff_id, r.service_id, r.visit_start, r.visit_end, r.starts_at, r.ends_at, r.kind, r.expires_at,
            CASE WHEN r.kind = 'session' THEN (
                SELECT json_agg(json_build_array(s.owner_id, s.kind, s.expires_at) ORDER BY s.seat_no)
                  FROM seat s WHERE s.tenant_id = p_tenant AND s.session_id = r.owner_id) END)::text
      FROM unnest(v_staff) AS who(id)
     CROSS JOIN LATERAL reservations_between(p_tenant, who.id, p_from, p_to) r;
    IF p_count_from IS NOT NULL THEN
        -- One's own booking that moves does not count.
        RETURN QUERY
        SELECT 'booked', who.id, n.bookings::int, NULL::timestamptz, NULL::text
          FROM unnest(v_staff) AS who(id)
         CROSS JOIN LATERAL (
            SELECT coalesce(sum(CASE WHEN r.kind = 'session' THEN (
                        SELECT count(*) FROM seat s
                         WHERE s.tenant_id = p_tenant AND s.session_id = r.owner_id AND s.kind = 'booking'
                           AND (s.expires_at IS NULL OR s.expires_at > p_now) AND s.owner_id IS DISTINCT FROM p_not)
                    WHEN r.kind = 'booking' AND (r.expires_at IS NULL OR r.expires_at > p_now)
                         AND r.owner_id IS DISTINCT FROM p_not THEN 1
                    ELSE 0 END), 0) AS bookings
              FROM reservations_between(p_tenant, who.id, p_count_from, p_count_to) r
             WHERE r.visit_start >= p_count_from AND r.visit_start < p_count_to) n;
    END IF;
    RETURN QUERY
    SELECT 'busy', b.staff_id, NULL::int, NULL::timestamptz,
           json_agg(json_build_array(b.starts_at, b.ends_at) ORDER BY b.starts_at)::text
      FROM busy_block b
     WHERE b.tenant_id = p_tenant AND b.staff_id = ANY (v_staff) AND b.ends_at > p_from AND b.starts_at < p_to
     GROUP BY b.staff_id;
END $$;

REVOKE ALL ON FUNCTION reservations_between, booking_facts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reservations_between, booking_facts TO {{app}};
