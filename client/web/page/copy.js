// Copying text. The clipboard of the platform is there on HTTPS and loopback only; elsewhere the old way does it.
import { h, replace } from './dom.js';
import { icon } from './icons.js';

const SHOWN = 1500; // milliseconds

export async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return;
    } catch {
      // Not permitted here: the old way.
    }
  }
  const area = h('textarea', { class: 'off-screen', readonly: true });
  area.value = text;
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (!copied) throw new Error('The browser does not let the page copy. Select the text and copy it yourself.');
}

/** A button that copies what `text()` returns, and says so. */
export function copyButton(text, label, visible) {
  const face = () => [icon('copy'), visible ?? null];
  const button = h(
    'button',
    {
      class: visible ? 'button small' : 'icon-button',
      type: 'button',
      'aria-label': label,
      title: label,
      onclick: async () => {
        let said = 'Copied';
        try {
          await copyText(await text());
        } catch (error) {
          said = error.message;
        }
        replace(
          button,
          icon(said === 'Copied' ? 'success' : 'failed'),
          h('span', { class: visible ? '' : 'off-screen', role: 'status' }, said),
        );
        setTimeout(() => replace(button, face()), SHOWN);
      },
    },
    face(),
  );
  return button;
}
