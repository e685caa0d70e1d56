// One line of output, as text and as an element.
import { h } from './dom.js';
import { clock } from './format.js';

export function lineText(line) {
  const mark = line.stream === 'stderr' ? ' !' : '';
  return `${line.time} ${line.step}${line.item ? `[${line.item}]` : ''}${mark} ${line.text}`;
}

/** `needle`, in lower case, is marked where it stands. */
export function lineElement(line, needle) {
  const error = line.stream === 'stderr';
  const step = line.item ? `${line.step}[${line.item}]` : line.step;
  return h(
    'div',
    { class: error ? 'line line-err' : 'line', dataset: { seq: line.seq } },
    h('span', { class: 'line-time' }, clock(line.time)),
    h('span', { class: 'line-step', title: step }, step),
    h('span', { class: 'line-mark', title: error ? 'stderr' : null }, error ? '!' : ''),
    h(
      'span',
      { class: 'line-text' },
      needle ? marked(line.text, needle) : line.text,
      error ? h('span', { class: 'off-screen' }, ' (stderr)') : null,
    ),
  );
}

function marked(text, needle) {
  const pieces = [];
  const lower = text.toLowerCase();
  // Some letters change their length in lower case; then the places would be wrong, and nothing is marked.
  if (lower.length !== text.length) return [text];
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    pieces.push(text.slice(from, at), h('mark', null, text.slice(at, at + needle.length)));
    from = at + needle.length;
  }
  pieces.push(text.slice(from));
  return pieces;
}
