// Light, dark or as the system says: one button goes round.
import { replace } from './dom.js';
import { icon } from './icons.js';
import { prefer, preference } from './preferences.js';

const ORDER = ['system', 'light', 'dark'];
const ICONS = { system: 'system', light: 'sun', dark: 'moon' };

export function theme() {
  return preference('theme', 'system');
}

export function setTheme(name) {
  prefer('theme', name === 'system' ? null : name);
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

export function bindThemeButton(button) {
  const show = () => {
    const label = `Theme: ${theme()}`;
    replace(button, icon(ICONS[theme()]));
    button.setAttribute('aria-label', label);
    button.title = label;
  };
  button.addEventListener('click', () => {
    setTheme(ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length]);
    show();
  });
  show();
}
