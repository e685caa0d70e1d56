// Who did what last, refused attempts too.
import { h } from './dom.js';
import { empty } from './empty.js';
import { link } from './router.js';
import { statusWord } from './status_word.js';
import { ago } from './time_text.js';

const VERBS = {
  'run.start': 'started',
  'run.cancel': 'cancelled',
  'run.retry': 'retried',
  'run.backfill': 'backfilled',
  'job.pause': 'paused',
  'job.resume': 'resumed',
  'breaker.reset': 'reset the breaker of',
  'alert.test': 'tested the alert',
  'readiness.refresh': 'counted readiness anew',
  'daemon.reload': 'read the job files again',
  'daemon.drain': 'drained the daemon',
};

export function recentActions(answer) {
  const entries = answer.entries ?? [];
  if (!entries.length) return empty('Nobody has done anything yet.');
  return h('ul', { class: 'plain-list' }, entries.map(item));
}

function item(entry) {
  const what = [VERBS[entry.method] ?? entry.method, entry.job ?? entry.params?.job ?? entry.params?.alert].filter(Boolean).join(' ');
  return h(
    'li',
    { class: 'row between' },
    h(
      'span',
      null,
      h('strong', null, entry.on_behalf ?? entry.user),
      ` ${what} `,
      entry.run_number ? h('a', { href: link(['runs', String(entry.run_number)]) }, `#${entry.run_number} `) : null,
      entry.outcome === 'ok' ? null : statusWord('failed', entry.outcome),
    ),
    h('span', { class: 'muted small figure' }, ago(entry.at)),
  );
}
