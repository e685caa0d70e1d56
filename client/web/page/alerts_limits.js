// Alerts and limits as the daemon lists them: a table of what each row has, so that a newer daemon's members are shown, too.
import { h } from './dom.js';
import { empty } from './empty.js';
import { dateTime, number, title } from './format.js';

export function alertList(answer) {
  return generic(answer.alerts ?? [], 'No alerts are configured.', '[Alert NAME] in batchd.conf makes one; OnFailure= of a job names it.');
}

export function limitList(answer) {
  return generic(
    answer.limits ?? [],
    'No limits are configured.',
    '[Limit NAME] with Slots= in batchd.conf makes one; Limit= of a job or step takes its slots.',
  );
}

function generic(rows, nothing, how) {
  if (!rows.length) return empty(nothing, h('p', { class: 'muted' }, how));
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) =>
    rows.some((row) => row[name] !== null && row[name] !== undefined),
  );
  return h(
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
          columns.map((name) => h('th', { scope: 'col' }, title(name))),
        ),
      ),
      h(
        'tbody',
        null,
        rows.map((row) =>
          h(
            'tr',
            null,
            columns.map((name) => h('td', { class: typeof row[name] === 'number' ? 'figure' : null }, shown(row[name]))),
          ),
        ),
      ),
    ),
  );
}

function shown(value) {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return number(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.map(shown).join(', ') || '–';
  if (typeof value === 'object')
    return Object.entries(value)
      .map(([name, member]) => `${name} ${shown(member)}`)
      .join(', ');
  return /^\d{4}-\d\d-\d\dT.*Z$/.test(value) ? dateTime(value) : value;
}
