-- The facts of a slot in one pass: a staff member's reservations are read once for what overlaps and what is counted, and
-- what the business has set up is sent only where the caller does not know it already. README D4.

DROP FUNCTION booking_facts(uuid, uuid, bigint, bigint, uuid, bigint, bigint, bigint, uuid);

-- Rows: `stamp`, the ids and versions of the service, its locations and its staff, and those themselves unless
-- p_known is that stamp; then one `time` for each staff member who has any to tell of: how many bookings were counted (NULL
-- when none were to be), and as JSON the reservations that overlap [p_from, p_to) and the busy blocks.
-- p_count_from..p_count_to: where bookings are counted, NULL when they need not be.
CREATE FUNCTION booking_facts(
    p_tenant uuid, p_service uuid, p_from bigint, p_to bigint, p_staff uuid,
    p_count_from bigint, p_count_to bigint, p_now bigint, p_not uuid, p_known text)
RETURNS TABLE (what text, id uuid, version int, created_at timestamptz, body text)
LANGUAGE plpgsql STABLE SET enable_sort = off AS $$
#variable_conflict use_column
DECLARE
    v_service catalog;
    v_staff   uuid[];
    v_all     uuid[];
    v_stamp   text;
BEGIN
    SELECT * INTO v_service FROM catalog c
     WHERE c.tenant_id = p_tenant AND c.id = p_service AND c.kind = 'service';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    v_staff := ARRAY(
        SELECT staff_id FROM offering o
         WHERE o.tenant_id = p_tenant AND o.service_id = p_service AND (p_staff IS NULL OR o.staff_id = p_staff));
    v_all := p_service || v_staff || ARRAY(
        SELECT jsonb_array_elements_text(v_service.state::jsonb -> 'terms' -> 'location_ids')::uuid);
    SELECT string_agg(c.id::text || c.version, ' ') INTO v_stamp FROM catalog c
     WHERE c.tenant_id = p_tenant AND c.id = ANY (v_all);
    RETURN QUERY VALUES ('stamp', NULL::uuid, NULL::int, NULL::timestamptz, v_stamp);
    IF v_stamp IS DISTINCT FROM p_known THEN
        RETURN QUERY SELECT c.kind, c.id, c.version, c.created_at, c.state FROM catalog c
                      WHERE c.tenant_id = p_tenant AND c.id = ANY (v_all);
    END IF;
    -- Asking in order of ends, with sorting switched off, keeps the planner on the index by time, whatever its
    -- statistics: the one behind `no_overlap` would read all that a staff member ever had.
    RETURN QUERY
    SELECT 'time', who.id, t.booked::int, NULL::timestamptz, json_build_array(t.occupied, b.blocks)::text
      FROM unnest(v_staff) AS who(id)
     CROSS JOIN LATERAL (
        SELECT json_agg(json_build_array(
                    r.owner_id, r.capacity, r.service_id, r.visit_start, r.visit_end, r.starts_at, r.ends_at, r.kind,
                    r.expires_at,
                    CASE WHEN r.kind = 'session' THEN (
                        SELECT json_agg(json_build_array(s.owner_id, s.kind, s.expires_at) ORDER BY s.seat_no)
                          FROM seat s WHERE s.tenant_id = p_tenant AND s.session_id = r.owner_id) END))
                    FILTER (WHERE r.ends_at > p_from AND r.starts_at < p_to) AS occupied,
               -- One's own booking that moves does not count.
               coalesce(sum(CASE WHEN r.kind = 'session' THEN (
                        SELECT count(*) FROM seat s
                         WHERE s.tenant_id = p_tenant AND s.session_id = r.owner_id AND s.kind = 'booking'
                           AND (s.expires_at IS NULL OR s.expires_at > p_now) AND s.owner_id IS DISTINCT FROM p_not)
                    WHEN r.kind = 'booking' AND (r.expires_at IS NULL OR r.expires_at > p_now)
                         AND r.owner_id IS DISTINCT FROM p_not THEN 1
                    ELSE 0 END) FILTER (WHERE r.visit_start >= p_count_from AND r.visit_start < p_count_to),
                CASE WHEN p_count_from IS NOT NULL THEN 0 END) AS booked
          FROM reservations_between(
            p_tenant, who.id, least(p_from, p_count_from), greatest(p_to, p_count_to)) r) t
     CROSS JOIN LATERAL (
        SELECT json_agg(json_build_array(b.starts_at, b.ends_at) ORDER BY b.starts_at) AS blocks FROM busy_block b
         WHERE b.tenant_id = p_tenant AND b.staff_id = who.id AND b.ends_at > p_from AND b.starts_at < p_to) b
     WHERE t.occupied IS NOT NULL OR t.booked IS NOT NULL OR b.blocks IS NOT NULL;
END $$;

REVOKE ALL ON FUNCTION booking_facts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION booking_facts TO {{app}};
