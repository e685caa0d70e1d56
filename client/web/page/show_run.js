// Everything that run.show tells of a run, its pages put together: a run with items has thousands of steps.
import { get } from './api.js';

const MOST_PAGES = 20; // of 500 steps

export async function showRun(run, signal) {
  const path = `runs/${encodeURIComponent(run)}`;
  const shown = await get(path, null, signal);
  let after = shown.next;
  for (let pages = 1; after && pages < MOST_PAGES; pages++) {
    const page = await get(path, { after }, signal);
    shown.steps = shown.steps.concat(page.steps);
    shown.attempts = shown.attempts.concat(page.attempts ?? []);
    after = page.next;
  }
  return shown;
}
