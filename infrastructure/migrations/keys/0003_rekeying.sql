-- Re-keying: every bucket key can be replaced, and so can the epoch. README D9.
--
-- `epoch.revision` counts re-keyings of any kind and never goes back; a bucket key carries the revision that made it.
-- Who wraps under a bucket key says which revision of the tree it knows, and is turned away when the bucket is newer.
-- (Checking the whole tree's revision would turn everybody away, again and again, while all buckets are re-keyed.)
-- An epoch that is no longer current is one whose key is still to be destroyed; `backup` names the key backup that
-- was made and opened under an epoch.
ALTER TABLE epoch ADD COLUMN revision bigint NOT NULL DEFAULT 1;
ALTER TABLE epoch ADD COLUMN backup text;
ALTER TABLE bucket_key ADD COLUMN revision bigint NOT NULL DEFAULT 1;

-- Which keys each re-keying destroyed, for processes that keep keys in memory. Ids only, of the last re-keyings only.
CREATE TABLE key_destroyed (
    revision bigint NOT NULL,
    key_id   uuid   NOT NULL,
    PRIMARY KEY (revision, key_id)
);

-- Where a re-keying of all buckets stands, while one is under way.
CREATE TABLE full_rekeying (
    one         boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    next_bucket int     NOT NULL CHECK (next_bucket >= 0 AND next_bucket <= 4096)
);

-- `wrapped` in a predicate would make each re-wrapping write to every index; destroyed_at says the same (see the CHECK).
DROP INDEX one_live_key;
CREATE UNIQUE INDEX one_live_key ON subject_key (tenant_id, subject_id, retention_class) WHERE destroyed_at IS NULL;
CREATE INDEX subject_key_by_bucket ON subject_key (bucket) WHERE destroyed_at IS NULL;
ALTER TABLE subject_key SET (fillfactor = 80);

-- What the shredder may: it crosses tenants, for a bucket holds keys of all of them. It makes no key but the canary's.
CREATE POLICY shredding ON subject_key FOR SELECT TO {{shredder}} USING (true);
CREATE POLICY rekeying ON subject_key FOR UPDATE TO {{shredder}} USING (true) WITH CHECK (true);
CREATE POLICY canary ON subject_key FOR INSERT TO {{shredder}}
    WITH CHECK (tenant_id = '00000000-0000-0000-0000-000000000000');
CREATE POLICY shredding ON sealed_secret TO {{shredder}} USING (true) WITH CHECK (true);
CREATE POLICY shredding ON blind_index TO {{shredder}} USING (true) WITH CHECK (true);
GRANT USAGE ON SCHEMA public TO {{shredder}};
GRANT SELECT, INSERT, UPDATE, DELETE ON epoch, bucket_key, full_rekeying TO {{shredder}};
GRANT SELECT, INSERT, DELETE ON key_destroyed TO {{shredder}};
GRANT SELECT, INSERT, UPDATE (wrapped, destroyed_at) ON subject_key TO {{shredder}};
GRANT SELECT, UPDATE (epoch, wrapped) ON sealed_secret TO {{shredder}};
GRANT EXECUTE ON FUNCTION mint_lock, wall TO {{shredder}};
GRANT SELECT ON key_destroyed TO {{keys}};

-- And nobody else re-wraps a key, or puts another in its place.
REVOKE UPDATE ON subject_key, sealed_secret, blind_index FROM {{keys}};
GRANT UPDATE (pending, made_at) ON blind_index TO {{keys}};
