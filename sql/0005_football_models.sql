-- Trained models of the football worker. Programs of before go on without the table: football_schema_version() stays.
CREATE TABLE models (
        model_number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        model_version text NOT NULL UNIQUE GENERATED ALWAYS AS ('logistic-' || feature_set::text || '.' || model_number::text) STORED,
        feature_set integer NOT NULL,            -- the meaning and order of the features
        first_season integer NOT NULL,           -- the weeks of the lines that trained it, both included
        first_type text NOT NULL CHECK (first_type IN ('reg', 'post')),
        first_week integer NOT NULL,
        last_season integer NOT NULL,
        last_type text NOT NULL CHECK (last_type IN ('reg', 'post')),
        last_week integer NOT NULL,
        trained_lines integer NOT NULL,
        trained_touchdowns integer NOT NULL,     -- lines with one
        intercept double precision NOT NULL,
        features text[] NOT NULL,
        coefficients double precision[] NOT NULL CHECK (cardinality(coefficients) = cardinality(features)),
        test_lines integer NOT NULL,             -- of its last weeks, each foretold from those before; 0: too few to test
        test_log_loss double precision,
        test_brier double precision,
        test_auc double precision,
        created_at timestamptz NOT NULL
);
CREATE INDEX models_by_last ON models (last_season, last_type, last_week);
