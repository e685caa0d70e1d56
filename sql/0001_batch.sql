-- What ran: the mirror of state.db that batchd keeps. Rows come from one or several daemons, each told by its `instance` (the uuid of its
-- state folder) beside `host`; a row is written by the daemon that owns it alone, guarded by `version`.
--
-- Values of `parameters` and `metrics` come from outside. The columns generated from them take what fits and are NULL (counters: 0)
-- otherwise: no value can make a row fail.

CREATE TABLE batch_instances (
        instance uuid PRIMARY KEY,
        host text NOT NULL,
        -- Counts the mirror's transactions. The daemon remembers the last one that was acknowledged; when this table knows less, the database
        -- is another one or an older copy, and every row is sent again.
        acknowledged bigint NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE batch_runs (
        run_id uuid PRIMARY KEY,
        run_number bigint NOT NULL,
        host text NOT NULL,
        instance uuid NOT NULL,
        job text NOT NULL,
        batch_type text,
        batch_mode text,
        season_year integer GENERATED ALWAYS AS (
                CASE WHEN parameters ->> 'season' ~ '^[0-9]{1,4}$' THEN (parameters ->> 'season')::integer END) STORED,
        week integer GENERATED ALWAYS AS (
                CASE WHEN parameters ->> 'week' ~ '^[0-9]{1,4}$' THEN (parameters ->> 'week')::integer END) STORED,
        season_type text GENERATED ALWAYS AS (left(parameters ->> 'season_type', 32)) STORED,
        triggered_by text,
        triggered_by_user text,
        status text NOT NULL CHECK (status IN ('queued', 'running', 'success', 'partial', 'failed', 'cancelled', 'skipped')),
        reason text,
        created_at timestamptz,
        started_at timestamptz,
        completed_at timestamptz,
        duration_seconds double precision,
        error_message text,
        parameters jsonb,
        metrics jsonb,
        warnings jsonb,
        notes jsonb,
        api_calls_made bigint GENERATED ALWAYS AS (
                CASE WHEN metrics ->> 'api_calls_made' ~ '^-?[0-9]{1,18}$' THEN (metrics ->> 'api_calls_made')::bigint ELSE 0 END) STORED,
        games_processed bigint GENERATED ALWAYS AS (
                CASE WHEN metrics ->> 'games_processed' ~ '^-?[0-9]{1,18}$' THEN (metrics ->> 'games_processed')::bigint ELSE 0 END) STORED,
        game_logs_added bigint GENERATED ALWAYS AS (
                CASE WHEN metrics ->> 'game_logs_added' ~ '^-?[0-9]{1,18}$' THEN (metrics ->> 'game_logs_added')::bigint ELSE 0 END) STORED,
        predictions_generated bigint GENERATED ALWAYS AS (
                CASE WHEN metrics ->> 'predictions_generated' ~ '^-?[0-9]{1,18}$'
                          THEN (metrics ->> 'predictions_generated')::bigint ELSE 0 END) STORED,
        predictions_skipped bigint GENERATED ALWAYS AS (
                CASE WHEN metrics ->> 'predictions_skipped' ~ '^-?[0-9]{1,18}$'
                          THEN (metrics ->> 'predictions_skipped')::bigint ELSE 0 END) STORED,
        odds_synced bigint GENERATED ALWAYS AS (
                CASE WHEN metrics ->> 'odds_synced' ~ '^-?[0-9]{1,18}$' THEN (metrics ->> 'odds_synced')::bigint ELSE 0 END) STORED,
        errors_encountered bigint GENERATED ALWAYS AS (
                CASE WHEN metrics ->> 'errors_encountered' ~ '^-?[0-9]{1,18}$'
                          THEN (metrics ->> 'errors_encountered')::bigint ELSE 0 END) STORED,
        retry_of uuid,
        parent_run_id uuid,
        due_at timestamptz,
        definition_hash text,
        version bigint NOT NULL,
        UNIQUE (instance, run_number)
);
CREATE INDEX batch_runs_created ON batch_runs (created_at);
CREATE INDEX batch_runs_status ON batch_runs (status, created_at);
CREATE INDEX batch_runs_type ON batch_runs (batch_type, created_at);
CREATE INDEX batch_runs_job ON batch_runs (job, created_at);
CREATE INDEX batch_runs_week ON batch_runs (season_year, week, season_type);
CREATE INDEX batch_runs_parent ON batch_runs (parent_run_id) WHERE parent_run_id IS NOT NULL;

-- One row an attempt. `item` is '' for a step without items.
CREATE TABLE batch_execution_steps (
        batch_run_id uuid NOT NULL REFERENCES batch_runs (run_id) ON DELETE CASCADE,
        step_name text NOT NULL,
        item text NOT NULL DEFAULT '',
        attempt integer NOT NULL,
        step_order integer NOT NULL,
        version bigint NOT NULL,
        status text NOT NULL CHECK (status IN ('pending', 'running', 'success', 'failed', 'skipped', 'cancelled')),
        reason text,
        started_at timestamptz,
        completed_at timestamptz,
        duration_seconds double precision,
        records_processed bigint,
        exit_status integer,
        signal_number integer,
        error_message text,
        output_log text,
        metrics jsonb,
        metadata jsonb,
        processes_ended bigint,
        created_at timestamptz,
        updated_at timestamptz,
        PRIMARY KEY (batch_run_id, step_name, item, attempt)
);
CREATE INDEX batch_execution_steps_status ON batch_execution_steps (status, completed_at);
CREATE INDEX batch_execution_steps_name ON batch_execution_steps (step_name, completed_at);

-- What became of each due time of a schedule.
CREATE TABLE batch_due_times (
        instance uuid NOT NULL,
        job text NOT NULL,
        due_at timestamptz NOT NULL,
        host text NOT NULL,
        outcome text NOT NULL CHECK (outcome IN ('ran', 'ran_late', 'skipped', 'missed')),
        reason text,
        run_id uuid,
        run_number bigint,
        decided_at timestamptz,
        version bigint NOT NULL,
        PRIMARY KEY (instance, job, due_at)
);
CREATE INDEX batch_due_times_due ON batch_due_times (due_at);

-- Who did what, when, with what result.
CREATE TABLE batch_audit (
        instance uuid NOT NULL,
        audit_id bigint NOT NULL,
        host text NOT NULL,
        at timestamptz NOT NULL,
        uid bigint,
        pid bigint,
        user_name text,
        on_behalf text,
        method text,
        params jsonb,
        outcome text,
        run_id uuid,
        PRIMARY KEY (instance, audit_id)
);
CREATE INDEX batch_audit_at ON batch_audit (at);
