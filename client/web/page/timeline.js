// The steps of a run in time: a row a step, a bar from its start to its end, against the time of the whole run.
import { h, setText, syncList } from './dom.js';
import { duration, title } from './format.js';
import { setStatus, statusWord } from './status_word.js';

/** Rows of a timeline: steps with items are gathered under their step. */
export function gather(steps) {
  const rows = new Map();
  for (const step of steps ?? []) {
    const row = rows.get(step.step_name) ?? { name: step.step_name, parts: [] };
    row.parts.push(step);
    rows.set(step.step_name, row);
  }
  return [...rows.values()].map((row) => ({ ...row, ...summary(row.parts) }));
}

const WORST_FIRST = ['running', 'failed', 'cancelled', 'pending', 'skipped', 'success'];

function summary(parts) {
  const count = (status) => parts.filter((part) => part.status === status).length;
  const status = WORST_FIRST.find((candidate) => count(candidate)) ?? 'pending';
  const begun = parts.filter((part) => part.started_at).map((part) => Date.parse(part.started_at));
  const ended = parts.map((part) => (part.completed_at ? Date.parse(part.completed_at) : null));
  const first = begun.length ? Math.min(...begun) : null;
  const last = ended.every(Boolean) && ended.length ? Math.max(...ended) : null;
  return {
    status,
    reason: parts.find((part) => part.status === status)?.reason,
    total: parts.length,
    done: parts.length - count('pending') - count('running'),
    failed: count('failed'),
    began: first,
    ended: last,
  };
}

export function timeline() {
  const element = h('ol', { class: 'timeline', 'aria-label': 'Steps' });

  function update(run, steps, now = Date.now()) {
    const start = Date.parse(run.started_at ?? run.created_at ?? new Date(now).toISOString());
    const end = run.completed_at ? Date.parse(run.completed_at) : now;
    const span = Math.max(end - start, 1);
    syncList(
      element,
      gather(steps),
      (row) => row.name,
      makeRow,
      (item, row) => updateRow(item, row, start, span, end),
    );
  }
  return { element, update };
}

function makeRow(row) {
  return h(
    'li',
    { class: 'timeline-row' },
    h('span', { class: 'timeline-name' }, title(row.name)),
    h('span', { class: 'timeline-track' }, h('span', { class: 'timeline-bar' })),
    h('span', { class: 'timeline-time' }),
    statusWord(row.status, row.reason),
  );
}

function updateRow(item, row, start, span, end) {
  const [, track, time, status] = item.children;
  const bar = track.firstElementChild;
  const began = row.began === null ? null : (row.began - start) / span;
  const until = row.began === null ? null : ((row.ended ?? end) - start) / span;
  bar.className = `timeline-bar bar-${row.status}`;
  bar.hidden = began === null;
  if (began !== null) {
    const left = Math.min(Math.max(began, 0), 0.99);
    bar.style.left = `${left * 100}%`;
    bar.style.width = `${Math.max(Math.min(until, 1) - left, 0.006) * 100}%`;
  }
  const took = row.began === null ? '' : duration(((row.ended ?? end) - row.began) / 1000);
  setText(time, row.total > 1 ? `${row.done}/${row.total}${row.failed ? `, ${row.failed} failed` : ''} ${took}` : took);
  setStatus(status, row.status, row.reason);
}
