// Short news in a corner. What went well leaves by itself; what went wrong stays until it is dismissed, and can be copied.
import { copyButton } from './copy.js';
import { h } from './dom.js';
import { asText, explain } from './errors.js';
import { icon } from './icons.js';
import { link } from './router.js';

const STAYS = 5000; // milliseconds
const MOST = 4;

function show(toast) {
  const box = document.getElementById('toasts');
  while (box.children.length >= MOST) box.firstElementChild.remove();
  box.append(toast);
  return toast;
}

function closeButton(toast) {
  return h('button', { class: 'icon-button', type: 'button', 'aria-label': 'Dismiss', onclick: () => toast().remove() }, icon('close'));
}

export function say(text, href, linkText) {
  const toast = show(
    h(
      'div',
      { class: 'toast' },
      h('span', null, text),
      href ? h('a', { href }, linkText) : null,
      closeButton(() => toast),
    ),
  );
  setTimeout(() => toast.remove(), STAYS);
}

export function complain(error) {
  if (error?.name === 'AbortError') return;
  const { message, advice } = explain(error);
  const toast = show(
    h(
      'div',
      { class: 'toast error', role: 'alert' },
      h(
        'div',
        null,
        h('strong', null, message),
        advice ? h('p', null, advice) : null,
        error?.data?.run_number
          ? h('a', { href: link(['runs', String(error.data.run_number)]) }, `Show run ${error.data.run_number}`)
          : null,
      ),
      copyButton(() => asText(error), 'Copy the error'),
      closeButton(() => toast),
    ),
  );
}
