// The bar above the output: search, pause, follow, wrap, copy, download.
import { address } from './api.js';
import { copyButton } from './copy.js';
import { h, replace, setText } from './dom.js';
import { number, plural } from './format.js';
import { icon } from './icons.js';
import { lineText } from './log_line.js';
import { prefer, preference } from './preferences.js';

/** `log` is the live log that the tools belong to (live_log.js). */
export function logTools(run, log) {
  const search = h('input', { type: 'search', placeholder: 'Search', 'aria-label': 'Search the output', class: 'log-search' });
  const only = h('input', { type: 'checkbox', id: 'only-matches' });
  const found = h('span', { class: 'muted log-found', role: 'status' });
  let places = [];
  let at = -1;

  const look = () => {
    const count = log.view.search(search.value, only.checked);
    places = log.view.found();
    at = -1;
    setText(found, search.value ? plural(count, 'line') : '');
  };
  const step = (by) => {
    if (search.value) places = log.view.found();
    if (!places.length) return;
    at = (at + by + places.length) % places.length;
    log.setFollow(false);
    log.view.show(places[at]);
    setText(found, `${number(at + 1)} of ${number(places.length)}`);
  };
  search.addEventListener('input', look);
  only.addEventListener('change', look);
  search.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
  });

  const pause = toggle('pause', 'Pause', () => log.setPaused(!log.paused));
  const follow = toggle('follow', 'Follow', () => log.setFollow(!log.view.follow));
  const wrap = toggle('wrap', 'Wrap lines', () => setWrap(preference('wrap', 'yes') !== 'yes'));
  const setWrap = (on) => {
    prefer('wrap', on ? 'yes' : 'no');
    log.view.element.classList.toggle('log-nowrap', !on);
    wrap.setAttribute('aria-pressed', String(on));
  };
  setWrap(preference('wrap', 'yes') === 'yes');

  log.onChange(() => {
    pause.setAttribute('aria-pressed', String(log.paused));
    replace(
      pause,
      icon(log.paused ? 'play' : 'pause'),
      log.paused ? (log.waiting ? `Resume (${number(log.waiting)} new)` : 'Resume') : 'Pause',
    );
    pause.hidden = log.over;
    follow.hidden = log.over;
    follow.setAttribute('aria-pressed', String(log.view.follow));
  });

  return {
    focusSearch: () => search.focus(),
    element: h(
      'div',
      { class: 'log-tools', role: 'toolbar', 'aria-label': 'Output' },
      h(
        'div',
        { class: 'log-find' },
        search,
        h('button', { class: 'icon-button', type: 'button', 'aria-label': 'Previous match', onclick: () => step(-1) }, icon('up')),
        h('button', { class: 'icon-button', type: 'button', 'aria-label': 'Next match', onclick: () => step(1) }, icon('down')),
        h('label', { class: 'check', for: 'only-matches' }, only, 'only these'),
        found,
      ),
      h(
        'div',
        { class: 'row' },
        pause,
        follow,
        wrap,
        copyButton(() => log.buffer.lines.map(lineText).join('\n') + '\n', 'Copy the output', 'Copy'),
        h(
          'a',
          { class: 'button small', href: address(`runs/${encodeURIComponent(run)}/logs/download`).href, download: `batch-${run}-logs.txt` },
          icon('download'),
          'Download',
        ),
      ),
    ),
  };
}

function toggle(drawing, label, onclick) {
  return h('button', { class: 'button small', type: 'button', 'aria-pressed': 'false', onclick }, icon(drawing), label);
}
