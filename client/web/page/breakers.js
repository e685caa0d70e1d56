// Breakers that are open: steps that failed too often and are not tried for a while; closed by hand when the cause is mended.
import { post } from './api.js';
import { h } from './dom.js';
import { empty } from './empty.js';
import { plural, title } from './format.js';
import { link } from './router.js';
import { acting } from './session.js';
import { stateWord } from './status_word.js';
import { ago } from './time_text.js';
import { complain, say } from './toast.js';

export function breakerList(status, changed) {
  const breakers = status.breakers ?? [];
  if (!breakers.length) return empty('No breaker is open: every step is tried.');
  return h(
    'ul',
    { class: 'settings-list' },
    breakers.map((breaker) => item(breaker, changed)),
  );
}

function item(breaker, changed) {
  return h(
    'li',
    { dataset: { breaker: `${breaker.job}/${breaker.step}` } },
    h(
      'div',
      null,
      h('a', { href: link(['scripts', breaker.job]) }, title(breaker.job)),
      ` ${title(breaker.step)} `,
      stateWord(breaker.state === 'open' ? 'failed' : 'partial', breaker.state === 'open' ? 'not tried' : 'next run tries it'),
      h(
        'span',
        { class: 'block small muted' },
        `${plural(breaker.failures, 'failure')}, the last in `,
        h('a', { href: link(['runs', String(breaker.run_number)]) }, `#${breaker.run_number}`),
        breaker.error ? `: ${breaker.error}` : '',
      ),
      breaker.until ? h('span', { class: 'block small muted' }, 'tried again ', ago(breaker.until)) : null,
    ),
    h(
      'button',
      {
        class: 'button small',
        type: 'button',
        'aria-label': `Reset ${breaker.job} ${breaker.step}`,
        onclick: () => reset(breaker, changed),
      },
      'Reset',
    ),
  );
}

async function reset({ job, step }, changed) {
  try {
    if (!(await acting(() => post('breakers/reset', { job, step })))) return;
    say(`${step} of ${job} is tried again.`);
  } catch (error) {
    complain(error);
  }
  changed();
}
