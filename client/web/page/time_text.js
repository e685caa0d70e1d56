// An instant: in words for a look, exact in its title.
import { h } from './dom.js';
import { dateTime, dayTime, inUtc, relative } from './format.js';

const STEP = 10000; // milliseconds between two looks at the clock

function exact(instant) {
  return `${new Date(instant)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z/, '')} UTC`;
}

export function when(instant) {
  return instant ? h('time', { datetime: instant, title: exact(instant) }, dateTime(instant)) : '–';
}

export function due(instant) {
  return instant ? h('time', { datetime: instant, title: exact(instant) }, dayTime(instant), inUtc() ? ' UTC' : '') : '–';
}

/** "3 min ago", kept true while it is shown. */
export function ago(instant) {
  return instant ? h('time', { datetime: instant, title: exact(instant), dataset: { relative: '' } }, relative(instant)) : 'never';
}

/** Starts what keeps all of them true. */
export function keepTimesTrue() {
  setInterval(() => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll('time[data-relative]')) element.textContent = relative(element.dateTime);
  }, STEP);
}
