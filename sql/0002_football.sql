-- The football worker's tables. The daemon creates them with its own (see 0001); batch-nfl writes them and nothing else does.

-- What batch-nfl asks first. A migration that changes what it relies on raises the number, here and in daemon/worker/nfl/db.c.
CREATE FUNCTION football_schema_version() RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT 1';

CREATE TABLE players (
        player_id text PRIMARY KEY,              -- the API's id
        name text NOT NULL,
        position text NOT NULL,                  -- as the API spells it: QB RB WR TE PK ...; '' when it gives none
        team text,                               -- NULL: on no team
        active_status boolean NOT NULL DEFAULT true, -- false: free agent, or no longer in the API's list
        updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX players_by_position ON players (position) WHERE active_status;

CREATE TABLE schedule (
        game_id text PRIMARY KEY,                -- YYYYMMDD_AWAY@HOME, the day in US Eastern time
        season_year integer NOT NULL,            -- the year in which the season starts; January games belong to it
        week integer NOT NULL CHECK (week BETWEEN 1 AND 22),
        season_type text NOT NULL CHECK (season_type IN ('reg', 'post')),
        game_date date NOT NULL,                 -- US Eastern calendar day
        kickoff timestamptz,                     -- NULL: not set yet
        away_team text NOT NULL,
        home_team text NOT NULL,
        away_score integer,
        home_score integer,
        status text NOT NULL CHECK (status IN ('scheduled', 'in_progress', 'final', 'postponed', 'cancelled')),
        updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX schedule_by_week ON schedule (season_year, season_type, week);
CREATE INDEX schedule_by_date ON schedule (game_date);

-- A game whose date moves gets another id from the API: its rows follow it.
CREATE TABLE game_logs (
        player_id text NOT NULL REFERENCES players,
        game_id text NOT NULL REFERENCES schedule ON UPDATE CASCADE,
        season_year integer NOT NULL,
        week integer NOT NULL,
        season_type text NOT NULL,
        team text NOT NULL,
        targets integer NOT NULL DEFAULT 0,
        receptions integer NOT NULL DEFAULT 0,
        receiving_yards integer NOT NULL DEFAULT 0,
        receiving_td integer NOT NULL DEFAULT 0,
        carries integer NOT NULL DEFAULT 0,
        rushing_yards integer NOT NULL DEFAULT 0,
        rushing_td integer NOT NULL DEFAULT 0,
        return_td integer NOT NULL DEFAULT 0,
        PRIMARY KEY (player_id, game_id)
);
CREATE INDEX game_logs_by_game ON game_logs (game_id);
CREATE INDEX game_logs_by_week ON game_logs (season_year, season_type, week);

-- Marks the games whose logs are complete. Written in the transaction that writes the logs, so that an interrupted ingest goes on
-- with the games that are missing here.
CREATE TABLE game_log_sets (
        game_id text PRIMARY KEY REFERENCES schedule ON UPDATE CASCADE ON DELETE CASCADE,
        log_count integer NOT NULL,
        unknown_players integer NOT NULL,        -- lines skipped because their players are not in the table
        stored_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE sportsbook_odds (
        player_id text NOT NULL REFERENCES players,
        game_id text NOT NULL REFERENCES schedule ON UPDATE CASCADE,
        sportsbook text NOT NULL,                -- draftkings, fanduel
        season_year integer NOT NULL,
        week integer NOT NULL,
        anytime_td_odds integer NOT NULL CHECK (abs(anytime_td_odds) >= 100), -- American: +150 pays 150 on 100
        consensus boolean NOT NULL,              -- one price that the API gives for all books
        fetched_at timestamptz NOT NULL,
        PRIMARY KEY (player_id, game_id, sportsbook)
);
CREATE INDEX sportsbook_odds_by_game ON sportsbook_odds (game_id);

CREATE TABLE predictions (
        player_id text NOT NULL REFERENCES players,
        season_year integer NOT NULL,
        week integer NOT NULL,
        season_type text NOT NULL,
        td_likelihood double precision NOT NULL CHECK (td_likelihood > 0 AND td_likelihood < 1),
        model_odds integer NOT NULL,             -- the likelihood as an American price
        favor boolean,                           -- the best bookmaker's price pays more than the model asks; NULL: no price
        model_version text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (player_id, season_year, week, season_type)
);
CREATE INDEX predictions_by_week ON predictions (season_year, season_type, week);

CREATE TABLE data_readiness_weeks (
        season_year integer NOT NULL,
        week integer NOT NULL,
        season_type text NOT NULL CHECK (season_type IN ('reg', 'post')),
        schedule_complete boolean NOT NULL DEFAULT false,
        games_count integer NOT NULL DEFAULT 0,
        game_logs_available boolean NOT NULL DEFAULT false,
        game_logs_count integer NOT NULL DEFAULT 0,
        odds_available boolean NOT NULL DEFAULT false,
        odds_count integer NOT NULL DEFAULT 0,
        odds_fetch_attempted boolean NOT NULL DEFAULT false,
        odds_fetch_failed boolean NOT NULL DEFAULT false,
        odds_last_fetched_at timestamptz,
        predictions_available boolean NOT NULL DEFAULT false,
        predictions_count integer NOT NULL DEFAULT 0,
        expected_predictions_count integer NOT NULL DEFAULT 0,
        prediction_completeness_pct double precision,
        data_changed_at timestamptz,             -- when the newest row of the week was written
        last_batch_id uuid,
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (season_year, week, season_type)
);

-- The age belongs to the moment of reading, which a stored column cannot know.
CREATE VIEW data_readiness AS
SELECT season_year, week, season_type, schedule_complete, games_count, game_logs_available, game_logs_count, odds_available,
       odds_count, odds_fetch_attempted, odds_fetch_failed, odds_last_fetched_at, predictions_available, predictions_count,
       expected_predictions_count, prediction_completeness_pct,
       (extract(epoch FROM now() - data_changed_at) / 3600)::double precision AS data_age_hours,
       last_batch_id, updated_at
FROM data_readiness_weeks;
