// The chart above the history: the runs that are listed, in the order of time.
import { runChart } from './chart.js';
import { replace } from './dom.js';

const LEAST = 2; // runs, for a chart to say anything
const MOST = 200;

/** `records`: Map of run_id to the records of the run. */
export function historyChart(box, runs, records) {
  const ended = runs
    .filter((run) => run.duration_seconds !== null && run.duration_seconds !== undefined)
    .slice(0, MOST)
    .reverse();
  box.hidden = ended.length < LEAST;
  const key = ended.map((run) => `${run.run_number}${run.status}${records.get(run.run_id) ?? ''}`).join();
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  if (ended.length >= LEAST)
    replace(
      box,
      runChart(ended, (run) => records.get(run.run_id) ?? null),
    );
}
