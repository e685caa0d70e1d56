// Answers that several parts of the page want at the same time: asked for once, and kept while they are fresh.
import { get } from './api.js';
import { connection } from './connection.js';

const FRESH = 5000; // milliseconds
const kept = new Map();

connection.addEventListener('back', () => kept.clear());

/** The answer to a GET of a path, perhaps one that was given a moment ago. */
export function once(path) {
  const entry = kept.get(path);
  if (entry && Date.now() - entry.at < FRESH) return entry.answer;
  const answer = get(path);
  kept.set(path, { at: Date.now(), answer });
  answer.catch(() => kept.delete(path));
  return answer;
}

/** Something has changed: the next one asks anew. */
export function forgetKept() {
  kept.clear();
}
