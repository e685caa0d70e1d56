// A status as a word with a drawing: colour alone says nothing to some.
import { h, replace } from './dom.js';
import { icon } from './icons.js';
import { STATUS_WORDS } from './words.js';

export function statusWord(status, reason) {
  return setStatus(h('span'), status, reason);
}

/** The look of a status with another word: "up" looks like success. */
export function stateWord(status, word) {
  return h('span', { class: `status status-${status}` }, icon(status), word);
}

/** Changes the element of a status in place. */
export function setStatus(element, status, reason) {
  const shownReason = reason && reason !== 'exit' && status !== 'success' ? reason : '';
  const key = `${status} ${shownReason}`;
  if (element.dataset.status === key) return element;
  element.dataset.status = key;
  element.className = `status status-${status}`;
  return replace(
    element,
    icon(status),
    STATUS_WORDS[status] ?? status,
    shownReason ? h('span', { class: 'reason' }, shownReason.replaceAll('_', ' ')) : null,
  );
}
