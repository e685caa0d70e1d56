-- The tables of the daily NBA pipeline, phase by phase, apart from those that the daemon makes.
CREATE SCHEMA nba;
SET search_path TO nba;
CREATE TABLE scraped (day date PRIMARY KEY, lines integer);
CREATE TABLE raw_lines (day date, team text, player text, points integer, PRIMARY KEY (day, player));
CREATE TABLE player_days (day date, team text, player text, points integer, PRIMARY KEY (day, player));
CREATE TABLE team_days (day date, team text, points integer, players integer, PRIMARY KEY (day, team));
CREATE TABLE features (day date, player text, games integer, mean_points numeric, PRIMARY KEY (day, player));
CREATE TABLE predictions (day date, player text, points numeric, source text, PRIMARY KEY (day, player));
-- Every statement that writes raw lines, however many rows it has.
CREATE TABLE raw_statements (at timestamptz DEFAULT clock_timestamp());
CREATE FUNCTION count_statement() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO nba.raw_statements DEFAULT VALUES; RETURN NULL; END$$;
CREATE TRIGGER raw_statement AFTER INSERT ON raw_lines FOR EACH STATEMENT EXECUTE FUNCTION count_statement();
-- The warehouse: how many write now, and how many did so at once at most.
CREATE TABLE warehouse (writers integer, most integer, done integer);
INSERT INTO warehouse VALUES (0, 0, 0);
