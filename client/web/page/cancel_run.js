// Cancelling: asked once, with room for a reason, since it ends processes.
import { post } from './api.js';
import { confirm } from './dialog.js';
import { plural } from './format.js';
import { acting } from './session.js';
import { complain, say } from './toast.js';

export async function cancelRun(run) {
  const agreed = await confirm(
    `Cancel ${run.job} #${run.run_number}?`,
    'Its processes are asked to end, and are ended by force after their grace time. What was stored stays.',
    { yes: 'Cancel the run', reason: 'Why (kept with the run)', danger: true },
  );
  if (!agreed) return;
  try {
    const result = await acting(() => post(`runs/${run.run_number}/cancel`, agreed.reason ? { reason: agreed.reason } : {}));
    if (result)
      say(`${run.job} #${run.run_number} is ${result.status}: ${plural(result.processes_ended ?? 0, 'process', 'processes')} ended.`);
  } catch (error) {
    complain(error);
  }
}
