// Named limits: how many of their slots are taken, by whom, and who waits.
import { h } from './dom.js';
import { empty } from './empty.js';
import { number, plural } from './format.js';
import { progressBar } from './progress.js';
import { link } from './router.js';
import { ago } from './time_text.js';

export function limitList(answer) {
  const { limits = [] } = answer;
  if (!limits.length)
    return empty(
      'No limits are configured.',
      h('p', { class: 'muted' }, '[Limit NAME] with Slots= in batchd.conf makes one; Limit= of a job or step takes its slots.'),
    );
  return h('ul', { class: 'plain-list' }, limits.map(item));
}

function item(limit) {
  const bar = progressBar(`Slots of ${limit.limit} in use`);
  bar.set(
    limit.slots ? Math.min((limit.used / limit.slots) * 100, 100) : 100,
    limit.waiters_total ? 'partial' : 'running',
    `${number(limit.used)} of ${number(limit.slots)}`,
  );
  return h(
    'li',
    { dataset: { limit: limit.limit } },
    h('strong', null, limit.limit),
    bar.element,
    people(limit.holders, limit.holders_total, 'held by'),
    people(limit.waiters, limit.waiters_total, 'waited for by'),
  );
}

function people(list, total, words) {
  if (!total) return null;
  return h(
    'details',
    { class: 'more' },
    h('summary', null, `${words} ${plural(total, 'run or step', 'runs and steps')}`),
    h(
      'ul',
      { class: 'warnings' },
      (list ?? []).map((one) =>
        h(
          'li',
          null,
          h('a', { href: link(['runs', String(one.run_number)]) }, `${one.job} #${one.run_number}`),
          one.step ? ` ${one.step}${one.item ? `[${one.item}]` : ''}` : '',
          h('span', { class: 'muted small' }, ` ${plural(one.slots, 'slot')}, since `, ago(one.since)),
        ),
      ),
    ),
  );
}
