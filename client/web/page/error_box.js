// An error in its place, as text that can be copied.
import { copyButton } from './copy.js';
import { h } from './dom.js';
import { asText, explain } from './errors.js';

export function errorBox(error, again) {
  const { message, advice } = explain(error);
  return h(
    'div',
    { class: 'error-box', role: 'alert' },
    h('div', null, h('strong', null, message), advice ? h('p', null, advice) : null),
    h(
      'div',
      { class: 'row' },
      copyButton(() => asText(error), 'Copy the error', 'Copy'),
      again ? h('button', { class: 'button small', type: 'button', onclick: again }, 'Try again') : null,
    ),
  );
}

/** Fills an element with what `make` returns, or with its error and a way to try again. */
export async function filling(element, life, make) {
  try {
    const content = await make();
    if (!life.over) element.replaceChildren(...[content].flat().filter(Boolean));
  } catch (error) {
    if (error.name !== 'AbortError' && !life.over) element.replaceChildren(errorBox(error, () => filling(element, life, make)));
  }
}
