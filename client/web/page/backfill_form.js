// A job for a range or a list of values of one of its parameters: first what would run and what is there already, then the start.
import { post } from './api.js';
import { backfillPlan } from './backfill_plan.js';
import { h, replace, setText } from './dom.js';
import { plural, title } from './format.js';
import { icon } from './icons.js';
import { paramForm } from './param_form.js';
import { go } from './router.js';
import { acting } from './session.js';
import { complain, say } from './toast.js';

const MOST_PARALLEL = 50; // as run.backfill takes it
const ONLY = [
  ['missing', 'those without a success'],
  ['failed', 'those that failed last'],
  ['all', 'all of them'],
];

/** Whether a backfill can go through a parameter of the job. */
export const canBackfill = (job) => job.parameters.length > 0;

const hasRange = (parameter) => parameter.type === 'date' || parameter.type === 'integer';

/** As the daemon chooses where nothing is said: the only date, else the only integer; else the first that has ranges. */
function usual(parameters) {
  for (const type of ['date', 'integer']) {
    const those = parameters.filter((one) => one.type === type);
    if (those.length === 1) return those[0];
  }
  return parameters.find(hasRange) ?? parameters[0];
}

export function backfillForm(job) {
  return new BackfillForm(job).element;
}

class BackfillForm {
  constructor(job) {
    this.job = job;
    this.fields = h('div', { class: 'stack' });
    this.problem = h('p', { class: 'field-error', role: 'alert' });
    this.plan = h('div', { class: 'stack', role: 'status' });
    this.parameter = select(
      'backfill-parameter',
      job.parameters.map(({ name }) => [name, title(name)]),
      usual(job.parameters).name,
    );
    this.mode = select('backfill-mode', [['', 'usual'], ...job.modes.map(({ name }) => [name, title(name)])], job.default_mode ?? '');
    this.only = select('backfill-only', ONLY, 'missing');
    this.parallel = h('input', { id: 'backfill-parallel', type: 'number', min: 1, max: MOST_PARALLEL, step: 1, value: '1', inputmode: 'numeric' });
    this.reverse = h('input', { id: 'backfill-reverse', type: 'checkbox' });
    this.reason = h('input', { id: 'backfill-reason', type: 'text', maxlength: 200, autocomplete: 'off', placeholder: 'kept with the runs' });
    this.show = h('button', { class: 'button', type: 'submit' }, 'Show the plan');
    this.parameter.addEventListener('change', () => this.choose());
    this.choose();
    this.element = this.build();
    // A plan is one of what stands in the fields: who changes them looks at a new one before it starts.
    for (const type of ['input', 'change']) this.element.addEventListener(type, () => this.forget());
  }

  build() {
    return h(
      'form',
      {
        class: 'stack backfill-form',
        novalidate: true,
        onsubmit: (event) => {
          event.preventDefault();
          this.ask();
        },
      },
      h('p', { class: 'muted small' }, 'One run for each value, as children of one that can be watched and cancelled.'),
      h(
        'div',
        { class: 'fields' },
        this.job.parameters.length > 1 ? labelled('Go through', this.parameter) : null,
        this.job.modes.length ? labelled('Mode', this.mode) : null,
        labelled('Run', this.only),
        labelled('At once', this.parallel),
      ),
      this.fields,
      labelled('Reason', this.reason),
      h('label', { class: 'check', for: this.reverse.id }, this.reverse, 'The last value first'),
      this.problem,
      h('div', { class: 'row' }, this.show),
      this.plan,
    );
  }

  /** The fields for the chosen parameter, and for the others, which are the same for all runs. */
  choose() {
    const { parameters } = this.job;
    const chosen = parameters.find((one) => one.name === this.parameter.value) ?? usual(parameters);
    const others = parameters.filter((one) => one !== chosen);
    const end = (name, description) => ({ ...chosen, name, description, default: null, required: false });
    this.range = hasRange(chosen) ? paramForm([end('from', `First ${title(chosen.name).toLowerCase()}`), end('to', 'The last one')]) : null;
    this.list = h('input', { id: 'backfill-values', type: 'text', autocomplete: 'off', spellcheck: 'false' });
    this.others = paramForm(others);
    replace(
      this.fields,
      this.range?.element,
      labelled(this.range ? 'Or a list' : title(chosen.name), this.list, 'Values with spaces or commas between them'),
      others.length ? h('fieldset', null, h('legend', null, 'The same for all'), this.others.element) : null,
    );
  }

  /** The request that the fields make; null when one of them is wrong. */
  request() {
    const values = this.list.value.split(/[\s,]+/).filter(Boolean);
    const ends = this.range?.values() ?? {};
    const range = ends.from !== undefined && ends.to !== undefined;
    const any = ends.from !== undefined || ends.to !== undefined;
    if (!this.others.check() || (this.range && !this.range.check())) return null;
    if (values.length ? any : !range) {
      setText(this.problem, values.length ? 'Give a range or a list, not both.' : this.range ? 'Give the first and the last value, or a list.' : 'Give a value at least.');
      return null;
    }
    return {
      job: this.job.job,
      mode: this.mode.value || undefined,
      parameter: this.parameter.value,
      ...(values.length ? { values } : ends),
      params: this.others.values(),
      only: this.only.value,
      parallel: Number(this.parallel.value) || 1,
      reverse: this.reverse.checked || undefined,
      reason: this.reason.value.trim() || undefined,
    };
  }

  forget() {
    setText(this.problem, '');
    replace(this.plan);
  }

  async ask() {
    this.forget();
    const request = this.request();
    if (!request) return;
    const plan = await this.send({ ...request, dry_run: true }, this.show);
    if (!plan) return;
    const start = h(
      'button',
      { class: 'button primary', type: 'button', onclick: () => this.start(request, start) },
      icon('play'),
      `Start ${plural(plan.total, 'run')}`,
    );
    replace(this.plan, backfillPlan(plan), plan.total ? h('div', { class: 'row' }, start) : null);
  }

  async start(request, button) {
    const started = await this.send(request, button);
    if (started?.run_number) go(['runs', String(started.run_number)]);
    else if (started) {
      say('Meanwhile all of it was done: nothing was started.');
      this.ask();
    }
  }

  async send(request, button) {
    button.disabled = true;
    try {
      return await acting(() => post('backfills', request));
    } catch (error) {
      if (error.kind !== 'invalid_params') complain(error);
      else if (!this.range?.refuse(error) && !this.others.refuse(error)) setText(this.problem, error.message);
      return undefined;
    } finally {
      button.disabled = false;
    }
  }
}

function select(id, options, chosen) {
  return h(
    'select',
    { id },
    options.map(([value, label]) => h('option', { value, selected: value === chosen }, label)),
  );
}

function labelled(label, field, hint) {
  return h('div', { class: 'field' }, h('label', { for: field.id }, label), field, hint ? h('p', { class: 'hint' }, hint) : null);
}
