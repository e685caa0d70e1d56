-- What the football worker keeps beside its data.

-- The week that the worker last took for the current one: readers without the worker's rules show it.
CREATE TABLE football_current_week (
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        season_year integer NOT NULL,
        week integer NOT NULL,
        season_type text NOT NULL CHECK (season_type IN ('reg', 'post')),
        detected_at timestamptz NOT NULL DEFAULT now()
);

-- Lines that came after their game's others, because their player was unknown then: their weeks may get predictions later.
CREATE TABLE game_logs_backfilled (
        player_id text NOT NULL,
        game_id text NOT NULL,
        PRIMARY KEY (player_id, game_id),
        FOREIGN KEY (player_id, game_id) REFERENCES game_logs ON UPDATE CASCADE ON DELETE CASCADE
);
