// Parts of a run that its own page and an opened row of the history show alike: counters, warnings, notes, attempts.
import { h } from './dom.js';
import { duration, number, title } from './format.js';
import { statusWord } from './status_word.js';
import { table } from './table.js';
import { when } from './time_text.js';

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
      table(
        ['Step', 'Attempt', 'Status', 'Started', 'Took', 'Error'],
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
