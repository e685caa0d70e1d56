// A table with a head.
import { h } from './dom.js';

/** columns: names, or [name, class]; what is null is left out. body: the tbody. kind: a class of its own. */
export function table(columns, body, kind) {
  const head = columns
    .filter((column) => column !== null)
    .map((column) => {
      const [name, style] = [column].flat();
      return h('th', { scope: 'col', class: style }, name);
    });
  return h('table', { class: kind ? `table ${kind}` : 'table' }, h('thead', null, h('tr', null, head)), body);
}
