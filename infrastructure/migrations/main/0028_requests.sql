-- Whom a request is about, and from when on anything in the catalog may be due: found without looking at each entry.
-- The columns follow from the state, so they cannot differ from it. README D5, D16.

CREATE FUNCTION catalog_due(p_kind text, p_state text) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN p_kind = 'privacy_request' THEN CASE
            WHEN (s ->> 'expired')::boolean THEN NULL
            WHEN s ->> 'closed_at' IS NULL THEN '-infinity'::timestamptz
            -- Those who were given the data are to be told.
            WHEN s ->> 'told_at' IS NULL AND EXISTS (
                SELECT FROM jsonb_array_elements(s -> 'rights') r
                 WHERE r ->> 'outcome' IN ('fulfilled', 'partially_fulfilled') AND r ->> 'right' IN
                    ('correction', 'erasure', 'restriction', 'account_cancellation')) THEN '-infinity'::timestamptz
            ELSE least(((s ->> 'closed_at')::timestamptz AT TIME ZONE 'UTC' + interval '24 months') AT TIME ZONE 'UTC',
                       (s -> 'identity' ->> 'evidence_until')::timestamptz) END
        WHEN p_kind = 'legal_process' AND s ->> 'after_outcome' IS NULL THEN (s ->> 'after_review_due_at')::timestamptz
        -- A day ends at its earliest 14 hours before it does in UTC.
        WHEN p_kind = 'legal_hold' AND s ->> 'status' = 'placed' THEN
            (s -> 'terms' ->> 'review_on')::timestamp AT TIME ZONE 'UTC'
        END
      FROM (SELECT p_state::jsonb AS s) one
$$;
REVOKE ALL ON FUNCTION catalog_due FROM PUBLIC;
GRANT EXECUTE ON FUNCTION catalog_due TO {{app}}, {{follower}}, {{restorer}};

ALTER TABLE catalog
    ADD COLUMN about uuid GENERATED ALWAYS AS (
        CASE WHEN kind = 'privacy_request' THEN (state::jsonb ->> 'subject')::uuid END) STORED,
    ADD COLUMN due_from timestamptz GENERATED ALWAYS AS (
        CASE WHEN kind IN ('privacy_request', 'legal_process', 'legal_hold') THEN catalog_due(kind, state) END) STORED;

CREATE INDEX catalog_by_subject ON catalog (tenant_id, about) WHERE about IS NOT NULL;
CREATE INDEX catalog_by_due ON catalog (tenant_id, kind, due_from, id) WHERE due_from IS NOT NULL;
