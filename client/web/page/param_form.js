// The parameters of a job as fields of their types and ranges. What the browser can check is checked before the request; what the daemon
// refuses is shown at the field that it names.
import { h, setText } from './dom.js';
import { title } from './format.js';

let forms = 0;

/** `prefill`: values by name. Returns {element, values(), check(), refuse(error)}. */
export function paramForm(parameters, prefill = {}) {
  const form = ++forms;
  const fields = parameters.map((parameter) => makeField(parameter, `f${form}-${parameter.name}`, prefill[parameter.name]));
  return {
    element: h(
      'div',
      { class: 'fields' },
      fields.map((field) => field.element),
    ),
    values: () => Object.fromEntries(fields.map((field) => [field.name, field.value()]).filter(([, value]) => value !== '')),
    /** Whether all fields hold what they take; the first that does not gets the focus. */
    check() {
      const wrong = fields.filter((field) => !field.check());
      wrong[0]?.input.focus();
      return !wrong.length;
    },
    /** Shows an error at the field that it names; false when it names none of these. */
    refuse(error) {
      const field = fields.find((candidate) => candidate.name === error?.data?.parameter);
      if (!field || error.kind !== 'invalid_params') return false;
      field.complain(error.message);
      field.input.focus();
      return true;
    },
  };
}

function makeField(parameter, id, prefill) {
  const input = makeInput(parameter, id);
  if (prefill !== undefined && prefill !== null) input.value = String(prefill);
  const problem = h('p', { class: 'field-error', id: `${id}-error`, role: 'alert' });
  const complain = (message) => {
    setText(problem, message);
    if (message) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  };
  const value = () => input.value.trim();
  input.addEventListener('input', () => complain(''));
  return {
    name: parameter.name,
    input,
    value,
    complain,
    check() {
      // A number field reports text that is no number as empty.
      const message = input.validity.badInput ? takes(parameter) : whatIsWrong(parameter, value());
      complain(message);
      return !message;
    },
    element: h(
      'div',
      { class: 'field' },
      h('label', { for: id }, title(parameter.name), parameter.required ? h('span', { class: 'required' }, 'required') : null),
      input,
      h('p', { class: 'hint', id: `${id}-hint` }, hint(parameter)),
      problem,
    ),
  };
}

function makeInput(parameter, id) {
  const common = { id, name: parameter.name, 'aria-describedby': `${id}-hint ${id}-error`, required: parameter.required };
  const choices = parameter.type === 'boolean' ? ['yes', 'no'] : parameter.values;
  if ((parameter.type === 'enum' || parameter.type === 'boolean') && choices) {
    const absent = parameter.required ? 'choose' : absentText(parameter) || 'not given';
    return h(
      'select',
      common,
      h('option', { value: '' }, absent),
      choices.map((choice) => h('option', { value: choice }, choice)),
    );
  }
  const placeholder = absentText(parameter);
  if (parameter.type === 'integer') {
    return h('input', {
      ...common,
      type: 'number',
      step: 1,
      min: parameter.minimum,
      max: parameter.maximum,
      inputmode: 'numeric',
      placeholder,
    });
  }
  if (parameter.type === 'date') return h('input', { ...common, type: 'date' });
  return h('input', { ...common, type: 'text', autocomplete: 'off', spellcheck: 'false', placeholder });
}

function absentText(parameter) {
  if (parameter.default !== null && parameter.default !== undefined) return String(parameter.default);
  return /detected/.test(parameter.description ?? '') ? 'detected' : '';
}

function range(parameter) {
  const { minimum, maximum } = parameter;
  const has = (bound) => bound !== null && bound !== undefined;
  if (has(minimum) && has(maximum)) return `${minimum} to ${maximum}`;
  if (has(minimum)) return `${minimum} or more`;
  return has(maximum) ? `${maximum} or less` : '';
}

function hint(parameter) {
  const facts = [parameter.description, range(parameter), parameter.pattern ? `of the form ${parameter.pattern}` : ''];
  return facts.filter(Boolean).join(' · ');
}

function takes(parameter) {
  const limits = range(parameter);
  switch (parameter.type) {
    case 'integer':
      return `It takes a whole number${limits ? ` from ${limits}` : ''}.`;
    case 'date':
      return 'It takes a date, as 2026-11-22.';
    case 'enum':
      return `It takes one of ${(parameter.values ?? []).join(', ')}.`;
    case 'boolean':
      return 'It takes yes or no.';
    default:
      return parameter.pattern ? `It takes a text of the form ${parameter.pattern}.` : 'It takes a text.';
  }
}

function whatIsWrong(parameter, value) {
  if (value === '') return parameter.required ? `It is needed. ${takes(parameter)}` : '';
  if (parameter.type === 'integer') {
    const outside =
      !/^[-+]?\d+$/.test(value) ||
      (parameter.minimum !== null && Number(value) < parameter.minimum) ||
      (parameter.maximum !== null && Number(value) > parameter.maximum);
    return outside ? takes(parameter) : '';
  }
  if (parameter.type === 'string' && parameter.pattern && !matches(parameter.pattern, value)) return takes(parameter);
  return '';
}

function matches(pattern, value) {
  try {
    return new RegExp(`^(?:${pattern})$`).test(value);
  } catch {
    return true; // an expression that browsers read differently: the daemon decides
  }
}
