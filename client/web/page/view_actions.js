// Actions: everything that can be started, each in one click from here.
import { canBackfill } from './backfill_form.js';
import { connection } from './connection.js';
import { get } from './api.js';
import { h, replace } from './dom.js';
import { errorBox } from './error_box.js';
import { title } from './format.js';
import { icon } from './icons.js';
import { job as jobOf, jobs as allJobs } from './jobs_store.js';
import { paramForm } from './param_form.js';
import { BY_WEEK, WEEK_PARAMETERS } from './quick.js';
import { quickButtons } from './quick_buttons.js';
import { link } from './router.js';
import { startRun } from './start_run.js';

export function mount(root, route, life) {
  const body = h('div', { class: 'stack' });
  replace(root, h('h1', null, 'Actions'), body);
  const show = async () => {
    try {
      const [list, week] = await Promise.all([allJobs(), currentWeek(life)]);
      const definitions = await Promise.all(list.map((one) => jobOf(one.job).catch(() => null)));
      if (!life.over) replace(body, content(list, definitions.filter(Boolean), week));
    } catch (error) {
      if (!life.over && error.name !== 'AbortError') replace(body, errorBox(error, show));
    }
  };
  life.on(connection, 'back', () => body.querySelector('.error-box') && show());
  show();
}

/** The week that the data is at; null where nobody knows. */
async function currentWeek(life) {
  try {
    return (await get('readiness', null, life.signal)).weeks[0] ?? null;
  } catch {
    return null;
  }
}

function content(list, definitions, week) {
  return [
    h('section', null, h('h2', null, 'Quick'), quickButtons(list)),
    byWeek(definitions),
    h(
      'section',
      null,
      h('h2', null, 'All jobs and modes'),
      h(
        'div',
        { class: 'grid cards' },
        definitions.map((job) => jobCard(job, week)),
      ),
    ),
  ];
}

/** Those that people give a week and a year: one pair of fields for both. */
function byWeek(definitions) {
  const actions = BY_WEEK.filter(({ job, mode }) =>
    definitions.some((one) => one.job === job && one.modes.some((has) => has.name === mode)),
  );
  if (!actions.length) return null;
  const parameters = definitions.find((one) => one.job === actions[0].job).parameters.filter((one) => WEEK_PARAMETERS.includes(one.name));
  const form = paramForm(parameters);
  return h(
    'section',
    { class: 'card stack by-week' },
    h('h2', null, 'For a week'),
    form.element,
    h(
      'div',
      { class: 'row wrap' },
      actions.map(({ label, job, mode }) => startButton(label, { job, mode }, form)),
    ),
  );
}

function startButton(label, request, form, primary) {
  const button = h(
    'button',
    {
      class: `button${primary ? ' primary' : ''}`,
      type: 'button',
      onclick: () => startRun({ ...request, params: form.values() }, { button, form }),
    },
    icon('play'),
    label,
  );
  return button;
}

function jobCard(job, week) {
  const required = job.parameters.filter((parameter) => parameter.required);
  const optional = job.parameters.filter((parameter) => !parameter.required);
  const form = joined(paramForm(required, prefill(required, week)), paramForm(optional));
  const modes = job.modes.length ? job.modes : [{ name: null, description: null }];
  return h(
    'article',
    { class: 'card job-card', dataset: { job: job.job } },
    h('h3', null, h('a', { href: link(['scripts', job.job]) }, title(job.job)), job.paused ? h('span', { class: 'tag' }, 'paused') : null),
    job.description ? h('p', { class: 'muted' }, job.description) : null,
    required.length ? form.parts[0].element : null,
    h(
      'div',
      { class: 'row wrap' },
      modes.map((mode) => {
        const button = startButton(
          mode.name ? title(mode.name) : 'Run',
          { job: job.job, mode: mode.name ?? undefined },
          form,
          mode.name === job.default_mode || !mode.name,
        );
        if (mode.description) button.title = mode.description;
        if (mode.name) button.dataset.mode = mode.name;
        return button;
      }),
    ),
    h(
      'div',
      { class: 'job-more' },
      optional.length ? h('details', { class: 'more' }, h('summary', null, 'Parameters'), form.parts[1].element) : null,
      canBackfill(job) ? h('a', { class: 'small', href: link(['scripts', job.job], { backfill: 1 }) }, 'Backfill') : null,
    ),
  );
}

/** Two forms as one: the required fields are in sight, the others are unfolded. */
function joined(...parts) {
  return {
    parts,
    values: () => Object.assign({}, ...parts.map((part) => part.values())),
    check: () => parts.every((part) => part.check()),
    refuse: (error) => parts.some((part) => part.refuse(error)),
  };
}

/** What is required begins with the present week where it is one, so that one click suffices; everybody sees it before. */
function prefill(parameters, week) {
  const values = {};
  for (const { name, minimum, type } of parameters) {
    if (/week$/.test(name)) values[name] = week?.week ?? minimum ?? undefined;
    else if (/season$/.test(name)) values[name] = week?.season_year;
    else if (type === 'date') values[name] = new Date().toISOString().slice(0, 10);
  }
  return values;
}
