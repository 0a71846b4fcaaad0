-- A database that was restored gets its fences back from the events, before anything is served. README D8, D9.

CREATE POLICY restoring ON subject_fence TO {{restorer}} USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON subject_fence TO {{restorer}};

-- Whoever starts on a deployment looks at every erasure once: an old copy of the keys may have been put in its place.
CREATE INDEX catalog_erasures ON catalog (tenant_id, id) WHERE kind = 'erasure';
