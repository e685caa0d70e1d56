// Definitions of jobs, asked for once and kept while they are fresh: several parts of the page want them at the same time.
import { get } from './api.js';
import { connection } from './connection.js';

const FRESH = 5000; // milliseconds
const kept = new Map();

connection.addEventListener('back', () => kept.clear());

function once(key, path) {
  const entry = kept.get(key);
  if (entry && Date.now() - entry.at < FRESH) return entry.answer;
  const answer = get(path);
  kept.set(key, { at: Date.now(), answer });
  answer.catch(() => kept.delete(key));
  return answer;
}

/** All jobs, as job.list tells them. */
export async function jobs() {
  return (await once('', 'jobs')).jobs;
}

/** One job, as job.show tells it. */
export function job(name) {
  return once(name, `jobs/${encodeURIComponent(name)}`);
}

export function forgetJobs() {
  kept.clear();
}
