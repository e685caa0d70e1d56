// Single keys that spare a hand the mouse. They can be switched off, for people whose speech input types letters.
import { openDialog } from './dialog.js';
import { h } from './dom.js';
import { preference } from './preferences.js';
import { go } from './router.js';

const TABS = { 1: 'overview', 2: 'actions', 3: 'history', 4: 'scripts', 5: 'settings' };
const HELP = [
  ['1 … 5', 'Overview, Actions, Batch history, Scripts, Settings'],
  ['/', 'search the output, or go to the filters'],
  ['f', 'follow the output of a run'],
  ['p', 'pause the output of a run'],
  ['?', 'this list'],
];

/** `keysOfView()` has the keys of what is shown: {letter: function}. */
export function bindShortcuts(keysOfView) {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || preference('keys', 'on') === 'off') return;
    if (event.target.closest('input, select, textarea, dialog')) return;
    const action = TABS[event.key] ? () => go([TABS[event.key]]) : event.key === '?' ? showHelp : keysOfView()?.[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function showHelp() {
  openDialog('Keyboard', (close) =>
    h(
      'div',
      { class: 'stack' },
      h(
        'dl',
        { class: 'keys' },
        HELP.map(([key, what]) => h('div', null, h('dt', null, h('kbd', null, key)), h('dd', null, what))),
      ),
      h('p', { class: 'muted' }, 'They can be switched off on the Settings tab.'),
      h('div', { class: 'row end' }, h('button', { class: 'button primary', type: 'button', onclick: () => close() }, 'Close')),
    ),
  );
}
