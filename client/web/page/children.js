// The runs that a run has brought about: those of a backfill, or of jobs that come after it.
import { h } from './dom.js';
import { duration, number, parameters, title } from './format.js';
import { link } from './router.js';
import { statusWord } from './status_word.js';
import { table } from './table.js';

const MOST = 200; // rows

export function children(shown) {
  const list = shown.children ?? [];
  if (!list.length) return null;
  return h(
    'section',
    { class: 'card' },
    h('h2', null, shown.run.backfill ? `Backfill of ${shown.run.backfill.parameter ?? 'a range'}` : 'What it brought about'),
    h(
      'div',
      { class: 'table-scroll' },
      table(['Run', 'For', 'Status', 'Took', 'What it said'], h('tbody', null, list.slice(0, MOST).map(row))),
    ),
    list.length > MOST ? h('p', { class: 'muted small' }, `and ${number(list.length - MOST)} more: see the history`) : null,
  );
}

function row(run) {
  return h(
    'tr',
    null,
    h('th', { scope: 'row' }, h('a', { href: link(['runs', String(run.run_number)]) }, `${title(run.job)} #${run.run_number}`)),
    h('td', null, parameters(run.parameters)),
    h('td', null, statusWord(run.status, run.reason)),
    h('td', { class: 'figure' }, duration(run.duration_seconds)),
    h('td', { class: 'said' }, run.error_message ?? ''),
  );
}
