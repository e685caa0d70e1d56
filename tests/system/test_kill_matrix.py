"""The kill matrix: every process, killed at every moment of a run, and nothing is lost, doubled or left behind.

Rounds are chosen by a seed, which is printed with a table of what was done. --chaos-seed=N (or BATCHTEST_CHAOS_SEED) repeats them,
--chaos-rounds=N (or BATCHTEST_CHAOS_ROUNDS) says how many."""
from batchtest.chaos import CELLS, Matrix

# An instance is broken so often before it is looked at as a whole and the next one begins.
ROUNDS_OF_AN_INSTANCE = 35


def test_whoever_is_killed_whenever(make_instance, own_postgres, chaos, capsys):
    matrix = Matrix(make_instance, own_postgres, chaos.seed)
    try:
        for number in range(chaos.rounds):
            if number % ROUNDS_OF_AN_INSTANCE == 0:
                if number:
                    matrix.finish()
                matrix.begin()
            matrix.play(number)
        matrix.finish()
    finally:
        with capsys.disabled():
            print(f"\nseed {chaos.seed}\n{matrix.table()}")
    if chaos.rounds >= len(CELLS):
        assert set(matrix.counts) == set(CELLS)
