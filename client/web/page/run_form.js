// The form that starts a job with everything that can be said about a run: mode, steps, parameters, a reason.
import { h, replace, setText } from './dom.js';
import { title } from './format.js';
import { icon } from './icons.js';
import { paramForm } from './param_form.js';
import { startRun } from './start_run.js';

export function runForm(job, query) {
  const prefilled = Object.fromEntries(job.parameters.map(({ name }) => [name, query?.get(name) ?? undefined]));
  const form = paramForm(job.parameters, prefilled);
  const mode = modeChoice(job, query?.get('mode'));
  const steps = h('div', { class: 'checks' });
  const impact = h('ul', { class: 'impact' });
  const reason = h('input', { type: 'text', id: 'run-reason', maxlength: 200, autocomplete: 'off', placeholder: 'kept with the run' });
  const force = h('input', { type: 'checkbox', id: 'run-force' });
  const submit = h('button', { class: 'button primary', type: 'submit' }, icon('play'), 'Start');

  const inMode = () => job.modes.find((one) => one.name === mode.value())?.steps ?? job.steps.map((step) => step.name);
  const chosen = () => [...steps.querySelectorAll('input:checked')].map((input) => input.value);
  const showImpact = () =>
    replace(
      impact,
      job.steps
        .filter((step) => chosen().includes(step.name))
        .map((step) => h('li', null, h('strong', null, title(step.name)), ': ', step.impact ?? step.description ?? 'nothing is declared')),
    );
  const showSteps = () => {
    replace(
      steps,
      inMode().map((name) =>
        h('label', { class: 'check' }, h('input', { type: 'checkbox', value: name, checked: true, onchange: showImpact }), title(name)),
      ),
    );
    showImpact();
  };
  mode.element?.addEventListener('change', showSteps);
  showSteps();
  const problem = h('p', { class: 'field-error', role: 'alert' });

  return h(
    'form',
    {
      class: 'stack',
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        const picked = chosen();
        setText(problem, picked.length ? '' : 'Choose one step at least.');
        if (!picked.length) return;
        startRun(
          {
            job: job.job,
            mode: mode.value() ?? undefined,
            params: form.values(),
            steps: picked.length === inMode().length ? undefined : picked,
            reason: reason.value.trim() || undefined,
            force: force.checked || undefined,
          },
          { button: submit, form },
        );
      },
    },
    mode.element,
    h('fieldset', null, h('legend', null, 'Steps'), steps, problem),
    job.parameters.length ? h('fieldset', null, h('legend', null, 'Parameters'), form.element) : null,
    h('div', { class: 'field' }, h('label', { for: 'run-reason' }, 'Reason'), reason),
    h(
      'label',
      { class: 'check', for: 'run-force' },
      force,
      job.paused ? 'Start although paused' : 'Run beside it when one is running already',
    ),
    h('div', { class: 'expected' }, h('h3', null, 'Expected impact'), impact),
    h('div', { class: 'row' }, submit),
  );
}

function modeChoice(job, wanted) {
  if (!job.modes.length) return { element: null, value: () => null };
  const first = job.modes.some((one) => one.name === wanted) ? wanted : (job.default_mode ?? job.modes[0].name);
  const element = h(
    'fieldset',
    { class: 'modes' },
    h('legend', null, 'Mode'),
    job.modes.map((one) =>
      h(
        'label',
        { class: 'mode' },
        h('input', { type: 'radio', name: 'mode', value: one.name, checked: one.name === first }),
        h(
          'span',
          null,
          h('strong', null, title(one.name)),
          h('small', { class: 'muted' }, one.description ?? one.steps.map(title).join(', ')),
        ),
      ),
    ),
  );
  return { element, value: () => element.querySelector('input:checked')?.value };
}
