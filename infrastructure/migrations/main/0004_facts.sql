-- All that listing or claiming a slot needs, read in one statement. README D4.
-- Plain comparisons of times, no range operators: those are not leakproof and would lose their index under
-- row-level security. A reservation reaches at most four days (a visit of one day and two buffers of one day),
-- so a start well before the range bounds the scan.

CREATE FUNCTION booking_facts(p_tenant uuid, p_service uuid, p_from bigint, p_to bigint, p_staff uuid)
RETURNS TABLE (what text, id uuid, version int, created_at timestamptz, body text)
LANGUAGE sql STABLE AS $$
    WITH offered AS MATERIALIZED (
        SELECT staff_id FROM offering
         WHERE tenant_id = p_tenant AND service_id = p_service AND (p_staff IS NULL OR staff_id = p_staff)
    )
    SELECT c.kind, c.id, c.version, c.created_at, c.state
      FROM catalog c WHERE c.tenant_id = p_tenant AND c.id = p_service AND c.kind = 'service'
    UNION ALL
    SELECT c.kind, c.id, c.version, c.created_at, c.state
      FROM offered o JOIN catalog c ON c.tenant_id = p_tenant AND c.id = o.staff_id
    UNION ALL
    SELECT c.kind, c.id, c.version, c.created_at, c.state
      FROM catalog c
     WHERE c.tenant_id = p_tenant AND c.id = ANY (
        SELECT jsonb_array_elements_text(s.state::jsonb -> 'terms' -> 'location_ids')::uuid
          FROM catalog s WHERE s.tenant_id = p_tenant AND s.id = p_service AND s.kind = 'service')
    UNION ALL
    SELECT 'occupied', r.owner_id, r.capacity, NULL, jsonb_build_array(
            r.staff_id, r.service_id, r.visit_start, r.visit_end, r.starts_at, r.ends_at, r.kind, r.expires_at,
            CASE WHEN r.kind = 'session' THEN (
                SELECT jsonb_agg(jsonb_build_array(s.owner_id, s.kind, s.expires_at) ORDER BY s.seat_no)
                  FROM seat s WHERE s.tenant_id = p_tenant AND s.session_id = r.owner_id) END)::text
      FROM offered o JOIN reservation r
        ON r.tenant_id = p_tenant AND r.staff_id = o.staff_id
       AND r.ends_at > p_from AND r.ends_at < p_to + 345600 AND r.starts_at < p_to
    UNION ALL
    SELECT 'busy', o.staff_id, NULL, NULL,
           jsonb_agg(jsonb_build_array(b.starts_at, b.ends_at) ORDER BY b.starts_at)::text
      FROM offered o JOIN busy_block b
        ON b.tenant_id = p_tenant AND b.staff_id = o.staff_id AND b.ends_at > p_from AND b.starts_at < p_to
     GROUP BY o.staff_id
$$;
