// Records processed by runs: the sums over their steps, which the list of runs does not have.
import { get } from './api.js';

const PAGE = 1000;
const MOST_PAGES = 5;

/** {run_id: sum} of the runs of which a step told its records. */
export async function recordsOf(runs, signal) {
  const wanted = new Set(runs.map((run) => run.run_id));
  const sums = new Map();
  if (!runs.length) return sums;
  const since = runs.reduce((first, run) => (run.created_at < first ? run.created_at : first), runs[0].created_at);
  let before = null;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const page = await get('steps', { since, limit: PAGE, before }, signal);
    for (const step of page.steps) {
      if (wanted.has(step.run_id) && typeof step.records_processed === 'number') {
        sums.set(step.run_id, (sums.get(step.run_id) ?? 0) + step.records_processed);
      }
    }
    before = page.next ?? null;
    if (!before) break;
  }
  return sums;
}
