// Parts of a run that its own page and an opened row of the history show alike: steps, counters, warnings, attempts.
import { h } from './dom.js';
import { duration, number, title } from './format.js';
import { statusWord } from './status_word.js';
import { when } from './time_text.js';

/** The steps with durations, records and errors; `onRetry(step)` where it can be retried from one. */
export function stepsTable(shown, onRetry) {
  const items = shown.steps.some((step) => step.item);
  return h(
    'div',
    { class: 'table-scroll' },
    h(
      'table',
      { class: 'table steps-table' },
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          ['Step', items ? 'Item' : null, 'Status', 'Took', 'Records', 'Attempts', 'What it said', onRetry ? '' : null]
            .filter((name) => name !== null)
            .map((name) => h('th', { scope: 'col', class: ['Took', 'Records', 'Attempts'].includes(name) ? 'right' : null }, name)),
        ),
      ),
      h(
        'tbody',
        null,
        shown.steps.map((step) =>
          h(
            'tr',
            null,
            h('th', { scope: 'row' }, title(step.step_name)),
            items ? h('td', null, step.item) : null,
            h('td', null, statusWord(step.status, step.reason)),
            h('td', { class: 'right figure' }, duration(step.duration_seconds ?? step.elapsed_seconds)),
            h('td', { class: 'right figure' }, number(step.records_processed)),
            h('td', { class: 'right figure' }, step.attempts ? number(step.attempts) : '–'),
            h('td', { class: 'said' }, step.error_message ?? step.status_text ?? ''),
            onRetry
              ? h(
                  'td',
                  null,
                  step.status === 'failed'
                    ? h('button', { class: 'button small', type: 'button', onclick: () => onRetry(step.step_name) }, 'Retry from here')
                    : null,
                )
              : null,
          ),
        ),
      ),
    ),
  );
}

export function counters(metrics) {
  const entries = Object.entries(metrics ?? {});
  if (!entries.length) return null;
  return h(
    'section',
    null,
    h('h3', null, 'Counters'),
    h(
      'dl',
      { class: 'counters' },
      entries.map(([name, value]) => h('div', null, h('dt', null, title(name)), h('dd', { class: 'figure' }, number(value)))),
    ),
  );
}

export function warnings(list) {
  if (!list?.length) return null;
  return h(
    'section',
    null,
    h('h3', null, 'Warnings'),
    h(
      'ul',
      { class: 'warnings' },
      list.map((warning) =>
        h(
          'li',
          null,
          h('strong', null, title(warning.category)),
          warning.count > 1 ? ` (${number(warning.count)} times)` : '',
          warning.step ? h('span', { class: 'muted' }, ` in ${warning.step}${warning.item ? `[${warning.item}]` : ''}`) : null,
          h('span', { class: 'block' }, warning.text),
        ),
      ),
    ),
  );
}

export function notes(list) {
  if (!list?.length) return null;
  return h(
    'section',
    null,
    h('h3', null, 'Notes'),
    h(
      'ul',
      { class: 'warnings' },
      list.map((note) =>
        h('li', null, typeof note === 'string' ? note : [note.category ? h('strong', null, title(note.category), ': ') : null, note.text]),
      ),
    ),
  );
}

/** Attempts, where one was not enough. */
export function attempts(shown) {
  const more = shown.attempts?.length > shown.steps.filter((step) => step.attempts).length ? shown.attempts : [];
  if (!more.length) return null;
  return h(
    'details',
    { class: 'more' },
    h('summary', null, `All ${more.length} attempts`),
    h(
      'div',
      { class: 'table-scroll' },
      h(
        'table',
        { class: 'table' },
        h(
          'thead',
          null,
          h(
            'tr',
            null,
            ['Step', 'Attempt', 'Status', 'Started', 'Took', 'Error'].map((name) => h('th', { scope: 'col' }, name)),
          ),
        ),
        h(
          'tbody',
          null,
          more.map((attempt) =>
            h(
              'tr',
              null,
              h('th', { scope: 'row' }, `${title(attempt.step_name)}${attempt.item ? ` [${attempt.item}]` : ''}`),
              h('td', { class: 'figure' }, attempt.attempt),
              h('td', null, statusWord(attempt.status, attempt.reason)),
              h('td', null, when(attempt.started_at)),
              h('td', { class: 'figure' }, duration(attempt.duration_seconds)),
              h('td', { class: 'said' }, attempt.error_message ?? ''),
            ),
          ),
        ),
      ),
    ),
  );
}
