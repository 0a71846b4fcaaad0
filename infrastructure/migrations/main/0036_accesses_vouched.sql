-- `accesses` takes in a kind of event that no log holds yet (ledger.replayed): of what there is, its new code makes the
-- rows that are there. So it goes on from where it stands, with the code that follows it next (see 0029, 0035).
UPDATE read_model SET fingerprint = NULL WHERE name = 'accesses' AND state = 'following';
