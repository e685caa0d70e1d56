// The runs that the filters find, as a file: all of them up to a limit, not only those that are shown.
import { get } from './api.js';
import { h } from './dom.js';
import { csv, download } from './download.js';
import { icon } from './icons.js';
import { complain, say } from './toast.js';
import { plural } from './format.js';

const PAGE = 500;
const MOST = 10000;
const COLUMNS = [
  'run_number',
  'run_id',
  'job',
  'batch_type',
  'batch_mode',
  'status',
  'reason',
  'triggered_by',
  'triggered_by_user',
  'created_at',
  'started_at',
  'completed_at',
  'duration_seconds',
  'error_message',
  'parameters',
  'metrics',
  'warnings',
  'retry_of',
  'parent_run_id',
  'due_at',
];

async function all(query, signal) {
  const runs = [];
  let before = null;
  do {
    const page = await get('runs', { ...query, limit: PAGE, before }, signal);
    for (const run of page.runs) runs.push(run);
    before = page.next ?? null;
  } while (before && runs.length < MOST);
  return { runs, more: Boolean(before) };
}

export function exportButtons(query, life) {
  const button = (label, name, write) =>
    h(
      'button',
      {
        class: 'button small',
        type: 'button',
        onclick: async (event) => {
          const { currentTarget } = event;
          currentTarget.disabled = true;
          try {
            const { runs, more } = await all(query(), life.signal);
            write(runs);
            say(`${plural(runs.length, 'run')} in ${name}${more ? `; there are more: narrow the filters` : ''}.`);
          } catch (error) {
            complain(error);
          }
          currentTarget.disabled = false;
        },
      },
      icon('download'),
      label,
    );
  return h(
    'div',
    { class: 'row', role: 'group', 'aria-label': 'Export' },
    button('CSV', 'batch-runs.csv', (runs) =>
      download('batch-runs.csv', 'text/csv', csv([COLUMNS, ...runs.map((run) => COLUMNS.map((name) => run[name]))])),
    ),
    button('JSON', 'batch-runs.json', (runs) => download('batch-runs.json', 'application/json', JSON.stringify({ runs }, null, 2))),
  );
}
