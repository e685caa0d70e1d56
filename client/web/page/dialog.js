// A dialog of the platform, which keeps the focus inside and gives it back at the end. Escape closes it.
import { h } from './dom.js';

/** Shows a dialog; `body(close)` makes its content. Resolves to what `close` was given, to undefined when it was dismissed. */
export function openDialog(title, body) {
  return new Promise((resolve) => {
    let result;
    const heading = h('h2', { id: 'dialog-title' }, title);
    const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' }, heading);
    dialog.append(
      body((value) => {
        result = value;
        dialog.close();
      }),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(result);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A question before something that cannot be taken back; with `reason` it asks for one in words. Resolves to null or {reason}. */
export async function confirm(title, text, { yes, reason, danger } = {}) {
  const input = h('input', { type: 'text', id: 'dialog-reason', maxlength: 200 });
  const agreed = await openDialog(title, (close) =>
    h(
      'form',
      {
        class: 'stack',
        onsubmit: (event) => {
          event.preventDefault();
          close(true);
        },
      },
      h('p', null, text),
      reason ? [h('label', { for: 'dialog-reason' }, reason), input] : null,
      h(
        'div',
        { class: 'row end' },
        h('button', { class: 'button', type: 'button', onclick: () => close(false) }, 'Back'),
        h('button', { class: `button ${danger ? 'danger' : 'primary'}`, type: 'submit' }, yes),
      ),
    ),
  );
  return agreed ? { reason: input.value.trim() } : null;
}
