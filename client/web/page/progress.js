// A progress bar that says its figures, too.
import { h, setText } from './dom.js';
import { percent } from './format.js';

export function progressBar(label) {
  const fill = h('div', { class: 'progress-fill' });
  const bar = h('div', { class: 'progress', role: 'progressbar', 'aria-label': label, 'aria-valuemin': 0, 'aria-valuemax': 100 }, fill);
  const figure = h('span', { class: 'progress-figure' });
  const element = h('div', { class: 'progress-row' }, bar, figure);

  /** `value` from 0 to 100, null: not known; `status` colours it. */
  function set(value, status, text) {
    const known = value !== null && value !== undefined;
    fill.style.transform = `scaleX(${(known ? value : 0) / 100})`;
    bar.className = `progress progress-${status ?? 'running'}`;
    if (known) bar.setAttribute('aria-valuenow', Math.floor(value));
    else bar.removeAttribute('aria-valuenow');
    setText(figure, text ?? percent(value));
  }
  return { element, set };
}
