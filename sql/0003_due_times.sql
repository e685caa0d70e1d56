-- A record may stand for many due times: those before the last 1000 that a daemon found behind it. `due_at` is the first of them, `due_until`
-- the last (or an instant behind it), `due_count` how many they were; NULL where they were more than are counted.
ALTER TABLE batch_due_times ADD COLUMN due_until timestamptz;
ALTER TABLE batch_due_times ADD COLUMN due_count bigint;
CREATE INDEX batch_due_times_run ON batch_due_times (run_id) WHERE run_id IS NOT NULL;
