// Starting a run, from wherever: ask for the login where it is needed, start, and go where it can be watched.
import { post } from './api.js';
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

/** A new run from an old one that did not succeed. */
export async function retryRun(run, from) {
  try {
    const started = await acting(() => post(`runs/${encodeURIComponent(run)}/retry`, from ? { from } : {}));
    if (started) go(['runs', String(started.run_number)]);
  } catch (error) {
    complain(error);
  }
}
