// The steps of a run in time: a row a step, a bar from its start to its end, against the time of the whole run.
import { h, setText, syncList } from './dom.js';
import { duration, title } from './format.js';
import { setStatus, statusWord } from './status_word.js';

/**
 * Rows of a timeline: steps with items are gathered under their step. `items` are the numbers of all of them, for while a run goes on
 * `steps` has some only.
 */
export function gather(steps, items) {
  const counts = new Map((items ?? []).filter((one) => one.known).map((one) => [one.step_name, one]));
  const rows = new Map();
  for (const step of steps ?? []) {
    const row = rows.get(step.step_name) ?? { name: step.step_name, order: step.step_order, parts: [] };
    row.parts.push(step);
    rows.set(step.step_name, row);
  }
  return [...rows.values()].sort((a, b) => a.order - b.order).map((row) => ({ ...row, ...summary(row.parts, counts.get(row.name)) }));
}

const WORST_FIRST = ['running', 'failed', 'cancelled', 'pending', 'skipped', 'success'];

function summary(parts, counted) {
  const count = (status) => parts.filter((part) => part.status === status).length;
  const open = counted ? counted.total > counted.completed : false;
  const worst = WORST_FIRST.find((candidate) => count(candidate)) ?? 'pending';
  const status = open && worst !== 'pending' ? 'running' : worst;
  const begun = parts.filter((part) => part.started_at).map((part) => Date.parse(part.started_at));
  const ended = parts.map((part) => (part.completed_at ? Date.parse(part.completed_at) : null));
  const first = begun.length ? Math.min(...begun) : null;
  const last = !open && ended.every(Boolean) && ended.length ? Math.max(...ended) : null;
  return {
    status,
    reason: parts.find((part) => part.status === status)?.reason,
    total: counted?.total ?? parts.length,
    done: counted?.completed ?? parts.length - count('pending') - count('running'),
    failed: counted?.failed ?? count('failed'),
    began: first,
    ended: last,
  };
}

export function timeline() {
  const element = h('ol', { class: 'timeline', 'aria-label': 'Steps' });

  function update(run, steps, items, now = Date.now()) {
    const start = Date.parse(run.started_at ?? run.created_at ?? new Date(now).toISOString());
    const end = run.completed_at ? Date.parse(run.completed_at) : now;
    const span = Math.max(end - start, 1);
    syncList(
      element,
      gather(steps, items),
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
    h('span', { class: 'timeline-name', title: title(row.name) }, title(row.name)),
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
