-- A database that was restored gets its fences back from the events, before anything is served. README D8, D9.

CREATE POLICY restoring ON subject_fence TO {{restorer}} USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON subject_fence TO {{restorer}};
