// Definitions of jobs, which several parts of the page want at the same time.
import { forgetKept, once } from './kept.js';

/** All jobs, as job.list tells them. */
export async function jobs() {
  return (await once('jobs')).jobs;
}

/** One job, as job.show tells it. */
export function job(name) {
  return once(`jobs/${encodeURIComponent(name)}`);
}

export function forgetJobs() {
  forgetKept();
}
