"""The mirror: how long a change takes to PostgreSQL, and how fast 10,000 runs that waited for it get there, against the same rows by COPY
and one upsert a table, typed into one connection. Prints figures as bench.h describes."""
import io
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))

from batchtest import ordinary_user, paths, postgres  # noqa: E402

RUNS = 10000
COPIED = {"batch_runs": "run_id, run_number, host, instance, job, batch_type, status, created_at, started_at, duration_seconds, parameters, "
                        "metrics, version",
          "batch_execution_steps": "batch_run_id, step_name, item, attempt, step_order, version, status, created_at, updated_at, output_log"}
KEYS = {"batch_runs": "run_id", "batch_execution_steps": "batch_run_id, step_name, item, attempt"}


def catch_up(server, mirror_class):
    """Seconds from a database that answers to the last row, after an outage."""
    database = server.create_database()
    one = mirror_class(database.conninfo)
    one.wait_sent()
    server.execute("postgres", f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
    server.execute("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'batchd'")
    for first in range(1, RUNS + 1, 1000):
        one.put(f"many {first} 1000")
    one.wait(state="down")
    server.execute("postgres", f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")
    one.wait(state="up", seconds=60)
    begin = time.monotonic()
    one.wait_sent(seconds=60)
    taken = time.monotonic() - begin
    assert database.value("SELECT count(*) FROM batch_runs") == RUNS
    return database, one, taken


def by_hand(database):
    """The same rows out, and in again by COPY and one upsert a table, in batches as large as the mirror's."""
    import psycopg2

    taken = 0
    with psycopg2.connect(database.conninfo) as connection, connection.cursor() as cursor:
        lines = {}
        for table, columns in COPIED.items():
            text = io.StringIO()
            cursor.copy_expert(f"COPY (SELECT {columns} FROM {table}) TO STDOUT", text)
            lines[table] = text.getvalue().splitlines(keepends=True)
            cursor.execute(f"CREATE TEMPORARY TABLE by_hand_{table} (LIKE {table})")
        cursor.execute("TRUNCATE batch_runs CASCADE")
        connection.commit()
        begin = time.monotonic()
        for table, columns in COPIED.items():
            for first in range(0, RUNS, 1000):
                cursor.execute(f"TRUNCATE by_hand_{table}")
                cursor.copy_expert(f"COPY by_hand_{table} ({columns}) FROM STDIN", io.StringIO("".join(lines[table][first:first + 1000])))
                cursor.execute(f"INSERT INTO {table} AS t ({columns}) SELECT {columns} FROM by_hand_{table} ON CONFLICT ({KEYS[table]}) "
                               "DO UPDATE SET version = excluded.version WHERE excluded.version > t.version")
                connection.commit()
        taken = time.monotonic() - begin
    connection.close()
    return taken


def latencies(database, one):
    """Milliseconds from durable in state.db to visible in PostgreSQL; the watcher polls on one connection."""
    import psycopg2

    taken = []
    with psycopg2.connect(database.conninfo) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for number in range(RUNS + 1, RUNS + 101):
                one.put(f"run {number} running")
                begin = time.monotonic()
                while True:
                    cursor.execute("SELECT 1 FROM batch_runs WHERE run_number = %s", (number,))
                    if cursor.fetchone():
                        break
                taken.append((time.monotonic() - begin) * 1000)
    connection.close()
    return taken


def figure(*fields):
    print("\t".join(str(field) for field in fields), flush=True)


def main():
    if ordinary_user.drop_root(paths.SOURCE, paths.BUILD) or not postgres.find_programs():
        print("skipped: PostgreSQL's server programs, or an ordinary user to run them, are missing")
        return
    from test_mirror import Mirror

    server = postgres.Postgres(durable=True).start()
    try:
        database, one, ours = catch_up(server, Mirror)
        bare = by_hand(database)
        figure("ratio", "mirror, 10,000 runs and attempts after an outage", "s", f"{ours:.3f}", f"{bare:.3f}", "COPY and upsert by hand", 0)
        taken = latencies(database, one)
        figure("value", "mirror, change in PostgreSQL after durable, p50", "ms", f"{statistics.median(taken):.2f}", 0)
        figure("value", "mirror, change in PostgreSQL after durable, slowest of 100", "ms", f"{max(taken):.2f}", 1000)
        one.stop()
    finally:
        server.remove()


main()
