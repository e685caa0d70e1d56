// What people start most, under the names that they use for it. Jobs that an installation does not have are left out; every job and mode
// is on the Actions tab anyway.

export const QUICK = [
  { label: 'Full batch', job: 'weekly_update', mode: 'full' },
  { label: 'Odds only', job: 'weekly_update', mode: 'odds_only' },
  { label: 'Predictions only', job: 'weekly_update', mode: 'predictions_only' },
];

/** Those that are asked for a week and a year first. */
export const BY_WEEK = [
  { label: 'Update schedule', job: 'weekly_update', mode: 'schedule_only' },
  { label: 'Fetch game logs', job: 'weekly_update', mode: 'game_logs_only' },
];

export const WEEK_PARAMETERS = ['season', 'week'];

const FALLBACK = 3;

/** The quick actions of an installation: those above, or the default modes of the jobs that it ran last. */
export function quickActions(jobs) {
  const known = QUICK.filter(({ job, mode }) => jobs.find((one) => one.job === job)?.modes.includes(mode));
  if (known.length) return known;
  return jobs
    .filter((job) => job.last_run && !job.broken)
    .sort((a, b) => b.last_run.run_number - a.last_run.run_number)
    .slice(0, FALLBACK)
    .map((job) => ({ label: job.job.replaceAll('_', ' '), job: job.job, mode: job.default_mode ?? undefined }));
}
