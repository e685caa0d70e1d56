// The steps of a run with durations, records and what they said.
import { h, replace } from './dom.js';
import { duration, number, title } from './format.js';
import { statusWord } from './status_word.js';
import { table } from './table.js';

const MOST = 100; // rows at once; the others when they are wanted

/** `onRetry(step)` where it can be retried from one; `memory` keeps between two tables whether all rows are wanted. */
export function stepsTable(shown, onRetry, memory = {}) {
  const items = shown.steps.some((step) => step.item);
  const words = shown.steps.some(said);
  const retries = onRetry && shown.steps.some((step) => step.status === 'failed');
  const figures = ['Took', 'Records', 'Attempts'].map((name) => [name, 'right']);
  const columns = ['Step', items ? 'Item' : null, 'Status', ...figures, words ? 'What it said' : null, retries ? '' : null];
  const body = h('tbody');
  const more = h('div', { class: 'row center' });
  const fill = () => {
    const { rows, left } = chosen(inOrder(shown.steps), memory.all);
    replace(
      body,
      rows.map((step) => row(step, { items, words, onRetry: retries ? onRetry : null })),
    );
    replace(more, left ? h('button', { class: 'button small', type: 'button', onclick: all }, `Show ${number(left)} more steps`) : null);
  };
  const all = () => {
    memory.all = true;
    fill();
  };
  fill();
  return h(
    'div',
    { class: 'table-scroll' },
    table(columns, body, 'steps-table'),
    more,
  );
}

/** In the order of the plan: while a run goes on, items come as they begin. */
const inOrder = (steps) => [...steps].sort((a, b) => a.step_order - b.step_order);

/** Where there are too many: what needs a look before what went well, each in its order. */
function chosen(steps, all) {
  if (all || steps.length <= MOST) return { rows: steps, left: 0 };
  const well = (step) => step.status === 'success' || step.status === 'pending';
  const rows = [...steps.filter((step) => !well(step)), ...steps.filter(well)].slice(0, MOST);
  return { rows, left: steps.length - rows.length };
}

const said = (step) => step.error_message ?? step.status_text ?? '';

function row(step, { items, words, onRetry }) {
  const goesOn = step.status === 'running' ? (step.elapsed_seconds ?? null) : null;
  return h(
    'tr',
    null,
    h('th', { scope: 'row' }, title(step.step_name)),
    items ? h('td', { class: 'item' }, step.item) : null,
    h('td', { dataset: { name: 'status' } }, statusWord(step.status, step.reason)),
    h(
      'td',
      { class: 'right figure', dataset: goesOn === null ? { name: 'took' } : { name: 'took', elapsed: goesOn } },
      duration(step.duration_seconds ?? step.elapsed_seconds),
    ),
    h('td', { class: 'right figure', dataset: { name: 'records' } }, number(step.records_processed)),
    h('td', { class: 'right figure', dataset: { name: 'attempts' } }, step.attempts ? number(step.attempts) : '–'),
    words ? h('td', { class: 'said' }, said(step)) : null,
    onRetry
      ? h(
          'td',
          { dataset: { name: 'retry' } },
          step.status === 'failed'
            ? h('button', { class: 'button small', type: 'button', onclick: () => onRetry(step.step_name) }, 'Retry from here')
            : null,
        )
      : null,
  );
}
