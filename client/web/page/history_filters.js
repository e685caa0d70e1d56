// The filters of the history. They are part of the address, so that a filtered view can be linked and comes back with Back.
import { h, replace } from './dom.js';
import { title } from './format.js';
import { STATUS_WORDS, TRIGGERS } from './words.js';

const TYPING = 300; // milliseconds until what is typed counts
const STATUSES = Object.keys(STATUS_WORDS).filter((status) => status !== 'pending');

const LABELS = {
  job: 'Job',
  type: 'Type',
  status: 'Status',
  mode: 'Mode',
  params: 'Parameters',
  triggered_by: 'Triggered by',
  since: 'From',
  until: 'To',
};

export function filterForm(start, changed) {
  const fields = {
    job: h('select', { id: 'filter-job' }, option('', 'all')),
    type: h('select', { id: 'filter-type' }, option('', 'all')),
    status: h(
      'select',
      { id: 'filter-status' },
      option('', 'all'),
      STATUSES.map((status) => option(status)),
    ),
    mode: h('input', { id: 'filter-mode', type: 'text', autocomplete: 'off', placeholder: 'all', list: 'filter-modes' }),
    params: h('input', { id: 'filter-params', type: 'text', autocomplete: 'off', spellcheck: 'false', placeholder: 'week=9' }),
    triggered_by: h(
      'select',
      { id: 'filter-trigger' },
      option('', 'all'),
      TRIGGERS.map((trigger) => option(trigger, trigger.replace('_', ' '))),
    ),
    since: h('input', { id: 'filter-since', type: 'date' }),
    until: h('input', { id: 'filter-until', type: 'date' }),
  };
  const modes = h('datalist', { id: 'filter-modes' });
  let timer = 0;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(changed, TYPING);
  };
  for (const field of Object.values(fields))
    field.addEventListener(field.type === 'text' ? 'input' : 'change', field.type === 'text' ? soon : changed);

  const set = (query) => {
    for (const [name, field] of Object.entries(fields)) {
      const value = query.get(name) ?? '';
      if (field.tagName === 'SELECT' && value && ![...field.options].some((one) => one.value === value)) field.append(option(value));
      field.value = value;
    }
  };
  const values = () => Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value.trim()]));
  const any = () => Object.values(values()).some(Boolean);
  const clear = () => {
    set(new URLSearchParams());
    changed();
    fields.job.focus();
  };
  set(start);

  return {
    values,
    set,
    any,
    clear,
    focus: () => fields.job.focus(),
    /** What run.list takes: days become instants, the last one is included. */
    query() {
      const { since, until, params, ...rest } = values();
      return { ...rest, ...parametersOf(params), since: since && instant(since, 0), until: until && instant(until, 1) };
    },
    setJobs(jobs) {
      offer(
        fields.job,
        jobs.map((job) => job.job),
      );
      offer(
        fields.type,
        jobs.map((job) => job.batch_type).filter(Boolean),
      );
      replace(
        modes,
        [...new Set(jobs.flatMap((job) => job.modes))].map((mode) => h('option', { value: mode })),
      );
    },
    element: h(
      'form',
      { class: 'filters', role: 'search', 'aria-label': 'Filter the runs', onsubmit: (event) => event.preventDefault() },
      Object.entries(LABELS).map(([name, label]) =>
        h('div', { class: 'filter' }, h('label', { for: fields[name].id }, label), fields[name]),
      ),
      modes,
      h('button', { class: 'button small', type: 'button', onclick: clear }, 'Clear'),
    ),
  };
}

/** Other choices of a select; what is chosen stays, though nobody offers it. */
function offer(field, names) {
  const { value } = field;
  const offered = [...new Set(value ? [...names, value] : names)];
  replace(
    field,
    option('', 'all'),
    offered.map((name) => option(name)),
  );
  field.value = value;
}

/** "week=9 season=2024" as the API takes it; a word that is still being typed says nothing. */
function parametersOf(text) {
  const pairs = text.split(/[\s,]+/).map((word) => /^(\w+)=(.+)$/.exec(word));
  return Object.fromEntries(pairs.filter(Boolean).map(([, name, value]) => [`params.${name}`, value]));
}

function option(value, label) {
  return h('option', { value }, label ?? title(value));
}

function instant(day, later) {
  const at = new Date(`${day}T00:00:00`);
  at.setDate(at.getDate() + later);
  return at.toISOString();
}
