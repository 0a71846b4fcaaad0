-- The erasures that are not at their end: found among all of a tenant's without looking at each. README D9.

CREATE FUNCTION erasure_stands(p_state text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE
        WHEN jsonb_array_length(s -> 'to_destroy') > 0
          OR jsonb_array_length(s -> 'online') > jsonb_array_length(s -> 'complete') THEN 'unfinished'
        WHEN jsonb_array_length(s -> 'deferred') > 0 THEN 'waiting'
        ELSE 'over' END
      FROM (SELECT p_state::jsonb AS s) one
$$;
REVOKE ALL ON FUNCTION erasure_stands FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erasure_stands TO {{app}}, {{follower}}, {{restorer}};

CREATE INDEX catalog_open_erasures ON catalog (tenant_id, created_at, id)
    WHERE kind = 'erasure' AND erasure_stands(state) <> 'over';

-- The eraser's loop asks whose erasures are open, of all tenants, and of nothing else.
CREATE POLICY erasing ON catalog FOR SELECT TO {{follower}} USING (kind = 'erasure');
GRANT SELECT (tenant_id, kind, state) ON catalog TO {{follower}};
