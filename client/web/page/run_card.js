// A run that goes on: how far it is, what it does, and its steps in time.
import { cancelRun } from './cancel_run.js';
import { h, setText } from './dom.js';
import { duration, parameters, percent, title } from './format.js';
import { icon } from './icons.js';
import { progressBar } from './progress.js';
import { link } from './router.js';
import { setStatus } from './status_word.js';
import { timeline } from './timeline.js';

export function runCard(run) {
  const bar = progressBar(`Progress of ${run.job}`);
  const steps = timeline();
  const status = h('span');
  const now = h('p', { class: 'run-now' });
  const elapsed = h('span', { class: 'muted figure' });
  const href = link(['runs', String(run.run_number)]);
  const element = h(
    'article',
    { class: 'card run-card' },
    h(
      'div',
      { class: 'row between' },
      h(
        'h3',
        null,
        h('a', { href }, `${title(run.job)} #${run.run_number}`),
        run.batch_mode ? h('span', { class: 'muted' }, ` ${run.batch_mode}`) : null,
      ),
      h('span', { class: 'row' }, elapsed, status),
    ),
    bar.element,
    now,
    steps.element,
    h(
      'div',
      { class: 'row' },
      h('a', { class: 'button small', href }, icon('follow'), 'Watch'),
      h('button', { class: 'button small', type: 'button', onclick: () => cancelRun(run) }, icon('stop'), 'Cancel'),
    ),
  );

  element.update = (item, shown) => {
    setStatus(status, item.status, item.reason);
    const counts = item.total ? `${item.completed}/${item.total}` : '';
    bar.set(item.progress_percent ?? 0, item.status, `${percent(item.progress_percent ?? 0)}${counts ? ` · ${counts}` : ''}`);
    setText(elapsed, duration(item.elapsed_seconds));
    const what = [
      item.current_step && title(item.current_step),
      item.current_item,
      item.step_total ? `${item.step_done}/${item.step_total}` : '',
      item.status_text,
      item.failed ? `${item.failed} failed` : '',
      parameters(item.parameters),
    ];
    setText(now, what.filter(Boolean).join(' · ') || (item.status === 'queued' ? 'Waits for its turn.' : ''));
    if (shown) steps.update(shown.run, shown.steps, shown.items);
  };
  return element;
}
