-- What the bookmakers expect of a game: the model takes the points of a team from it. Programs of before go on without the table.
CREATE TABLE game_lines (
        game_id text NOT NULL REFERENCES schedule ON UPDATE CASCADE ON DELETE CASCADE,
        sportsbook text NOT NULL,
        total double precision NOT NULL CHECK (total BETWEEN 10 AND 120),          -- points of both teams
        home_spread double precision NOT NULL CHECK (home_spread BETWEEN -60 AND 60), -- -3: the home team is expected to win by 3
        fetched_at timestamptz NOT NULL,         -- before the kickoff, or after the end: then it is the closing line
        PRIMARY KEY (game_id, sportsbook)
);

-- The middle of all books, so that one that errs changes nothing.
CREATE VIEW game_expectations AS
SELECT game_id, (total - home_spread) / 2 AS home_points, (total + home_spread) / 2 AS away_points
FROM (SELECT game_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY total) AS total,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY home_spread) AS home_spread
      FROM game_lines GROUP BY game_id) AS books;
