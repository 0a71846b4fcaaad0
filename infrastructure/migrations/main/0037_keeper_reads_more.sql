-- The keeper holds four more tables against the events: fences, kept answers (not their bodies), counted denials, and
-- how far the courier has followed up. README D5, D6, D11.

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['subject_fence', 'kept_answer', 'denial_count', 'courier_mark'] LOOP
        EXECUTE format('CREATE POLICY keeping ON %I FOR SELECT TO {{keeper}} USING (true)', t);
    END LOOP;
END $$;

GRANT SELECT ON subject_fence, denial_count, courier_mark TO {{keeper}};
GRANT SELECT (tenant_id, call_digest, row_id, fingerprint, begun_at, status, headers) ON kept_answer TO {{keeper}};
