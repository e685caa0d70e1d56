// How this browser shows the page.
import { h } from './dom.js';
import { prefer, preference } from './preferences.js';
import { setTheme, theme } from './theme.js';

export function preferencesForm() {
  const select = (id, label, value, options, onchange) =>
    h(
      'div',
      { class: 'field' },
      h('label', { for: id }, label),
      h(
        'select',
        { id, onchange: (event) => onchange(event.target.value) },
        Object.entries(options).map(([name, text]) => h('option', { value: name, selected: name === value }, text)),
      ),
    );
  return h(
    'div',
    { class: 'fields' },
    select('pref-theme', 'Theme', theme(), { system: 'as the system', light: 'light', dark: 'dark' }, setTheme),
    select(
      'pref-zone',
      'Times',
      preference('zone', 'local'),
      { local: `local (${Intl.DateTimeFormat().resolvedOptions().timeZone})`, utc: 'UTC' },
      (value) => prefer('zone', value),
    ),
    select('pref-keys', 'Keyboard shortcuts', preference('keys', 'on'), { on: 'on (? shows them)', off: 'off' }, (value) =>
      prefer('keys', value),
    ),
  );
}
