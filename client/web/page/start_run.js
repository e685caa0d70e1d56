// Starting a run, from wherever: ask for the login where it is needed, start, and go where it can be watched.
import { post } from './api.js';
import { confirm } from './dialog.js';
import { go } from './router.js';
import { acting } from './session.js';
import { complain } from './toast.js';

/**
 * Starts a run and opens its live view. `request`: job, mode, params, steps, force, reason. `form`, when given, shows what is wrong with a
 * parameter at its field. The button rests meanwhile, so that a double click is one start.
 */
export async function startRun(request, { button, form } = {}) {
  if (form && !form.check()) return;
  if (button) button.disabled = true;
  try {
    const started = await acting(() => post('runs', request));
    if (started) go(['runs', String(started.run_number)]);
  } catch (error) {
    if (!form?.refuse(error)) complain(error);
  }
  if (button) button.disabled = false;
}

/** A new run that goes on where an old one did not succeed, or from a step. A job that has changed since is asked about first. */
export async function retryRun(run, from, force) {
  try {
    const started = await acting(() => post(`runs/${encodeURIComponent(run)}/retry`, { from: from ?? null, force: force ?? null }));
    if (started) go(['runs', String(started.run_number)]);
  } catch (error) {
    const changed = error.kind === 'invalid_params' && error.data.parameter === 'force' ? error.data.changed : null;
    if (!changed || force) complain(error);
    else if (await confirm('The job has changed since', `${changed.join(', ')}. The retry follows the job as it is now.`, { yes: 'Retry' }))
      await retryRun(run, from, true);
  }
}
