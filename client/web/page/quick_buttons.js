// The quick actions as large buttons: one click starts one.
import { h } from './dom.js';
import { icon } from './icons.js';
import { title } from './format.js';
import { quickActions } from './quick.js';
import { startRun } from './start_run.js';

export function quickButtons(jobs) {
  return h(
    'div',
    { class: 'quick' },
    quickActions(jobs).map(({ label, job, mode }) => {
      const active = jobs.find((one) => one.job === job)?.active?.length;
      const button = h(
        'button',
        {
          class: 'button quick-button',
          type: 'button',
          onclick: () => startRun({ job, mode, params: {} }, { button }),
        },
        icon('play'),
        h('span', null, h('strong', null, label), h('small', null, active ? 'runs now' : title(job))),
      );
      return button;
    }),
  );
}
