// The end of a run's output, for an opened row of the history.
import { get } from './api.js';
import { h } from './dom.js';
import { number } from './format.js';
import { lineElement } from './log_line.js';
import { link } from './router.js';

const LINES = 12;

export async function lastOutput(run, signal) {
  const { lines, last } = await get(`runs/${run.run_number}/lines`, { lines: LINES }, signal);
  if (!lines.length) return h('p', { class: 'muted' }, 'The run wrote no output.');
  const more = (last ?? lines.at(-1).seq) - lines.length;
  return h(
    'section',
    null,
    h('h3', null, 'Output'),
    h(
      'div',
      { class: 'log log-end', tabindex: 0, role: 'group', 'aria-label': 'End of the output' },
      lines.map((line) => lineElement(line, '')),
    ),
    more > 0
      ? h('p', { class: 'small' }, h('a', { href: link(['runs', String(run.run_number)]) }, `All ${number(more + lines.length)} lines`))
      : null,
  );
}
