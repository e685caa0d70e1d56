// What stands where nothing is: that there is nothing, and what to do about it.
import { h } from './dom.js';

export function empty(text, action) {
  return h('div', { class: 'empty' }, h('p', null, text), action ?? null);
}
