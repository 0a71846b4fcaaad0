-- Two models whose new code makes the rows that are there: `accesses` takes in a kind of event that no log holds yet
-- (ledger.replayed), and `disclosures` makes the same rows in fewer steps. So they go on from where they stand, with
-- the code that follows them next (see 0029, 0035); `fsck --read-models` proves it of any log.
UPDATE read_model SET fingerprint = NULL WHERE name IN ('accesses', 'disclosures') AND state = 'following';
