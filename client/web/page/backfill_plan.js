// What a backfill would do: a row a value, with the run that it has already.
import { h } from './dom.js';
import { number, plural, title } from './format.js';
import { link } from './router.js';
import { statusWord } from './status_word.js';
import { table } from './table.js';

const MOST = 200; // rows
const WHY = {
  succeeded: 'done already',
  active: 'runs now',
  not_failed: 'did not fail',
  never_ran: 'never ran',
};

/** `plan` is the answer of run.backfill. */
export function backfillPlan(plan) {
  const done = plan.values.length - plan.total;
  return h(
    'section',
    { class: 'stack', 'aria-label': 'Plan' },
    h(
      'p',
      { class: 'backfill-summary' },
      h('strong', null, plan.total ? `${plural(plan.total, 'run')} of ${plural(plan.values.length, 'value')}` : 'Nothing is to run'),
      done ? `, ${number(done)} left out: ${reasons(plan.values)}` : '',
    ),
    h(
      'div',
      { class: 'table-scroll plan-scroll', tabindex: '0', role: 'group', 'aria-label': 'Values' },
      table([title(plan.parameter), 'What happens', 'Last run'], h('tbody', null, plan.values.slice(0, MOST).map(row))),
    ),
    plan.values.length > MOST ? h('p', { class: 'muted small' }, `and ${number(plan.values.length - MOST)} more`) : null,
  );
}

function reasons(values) {
  const counts = new Map();
  for (const { action, why } of values) if (action !== 'run') counts.set(why, (counts.get(why) ?? 0) + 1);
  return [...counts].map(([why, count]) => `${number(count)} ${WHY[why] ?? why}`).join(', ');
}

function row({ value, action, why, last_run: run, last_status: status }) {
  return h(
    'tr',
    { dataset: { value } },
    h('th', { scope: 'row', class: 'figure' }, value),
    h('td', { class: action === 'run' ? null : 'muted' }, action === 'run' ? 'runs' : (WHY[why] ?? why)),
    h(
      'td',
      null,
      run ? h('a', { class: 'status-link', href: link(['runs', String(run)]) }, `#${run} `, statusWord(status)) : h('span', { class: 'muted' }, 'none'),
    ),
  );
}
