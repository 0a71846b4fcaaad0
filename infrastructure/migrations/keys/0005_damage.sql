-- Re-keying goes on where a row was damaged on disk, and says which. README D9.
--
-- What does not open with its bucket's key is left as it is, and listed: nobody could open it before, and nobody can
-- now. key_id is the nil UUID for a row of the blind index; kind is its kind, or the class of the key. `revision` is
-- the re-keying that came upon it.
CREATE TABLE damaged_key (
    tenant_id  uuid   NOT NULL,
    subject_id uuid   NOT NULL,
    kind       text   NOT NULL,
    key_id     uuid   NOT NULL,
    bucket     int    NOT NULL,
    revision   bigint NOT NULL,
    PRIMARY KEY (tenant_id, subject_id, kind, key_id)
);
ALTER TABLE damaged_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE damaged_key FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON damaged_key TO {{keys}} USING (tenant_id = wall()) WITH CHECK (tenant_id = wall());
CREATE POLICY shredding ON damaged_key TO {{shredder}} USING (true) WITH CHECK (true);
REVOKE ALL ON damaged_key FROM PUBLIC;
GRANT SELECT, INSERT, DELETE ON damaged_key TO {{shredder}};

-- One unique index for what two said: an e-mail address leads to one person, a telephone number to several. Each
-- re-keying writes every index of this table anew.
ALTER TABLE blind_index DROP CONSTRAINT blind_index_pkey;
DROP INDEX blind_index_one_email;
CREATE UNIQUE INDEX blind_index_one ON blind_index (
    tenant_id, kind, digest, (CASE kind WHEN 'email' THEN '00000000-0000-0000-0000-000000000000'::uuid ELSE subject_id END)
);
