// Server-Sent Events over fetch: unlike EventSource it tells why a stream was refused, and begins where we say.
import { ApiError, refusal } from './api.js';
import { connection } from './connection.js';
import { session } from './session.js';

const FIRST_RETRY = 500; // milliseconds, until the server says `retry:`
const LONGEST_RETRY = 5000;

/**
 * Follows a stream until `signal` ends it, through breaks of any length: after one it goes on behind the last event's id.
 * onEvent(name, data, id) returns true when the stream is over for good. onRefused(error) is told when the server will not have us.
 */
export async function follow(url, { signal, lastId, onEvent, onOpen, onBreak, onRefused }) {
  const stream = { lastId: lastId ?? null, retry: FIRST_RETRY, failures: 0, onEvent };
  while (!signal.aborted) {
    try {
      if (await once(url, stream, signal, onOpen)) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.kind !== 'away' && error.kind !== 'unavailable' && error.kind !== 'rate_limited') {
        onRefused?.(error);
        return;
      }
    }
    if (signal.aborted) return;
    onBreak?.();
    await pause(Math.min(stream.retry * 2 ** Math.min(stream.failures++, 3), LONGEST_RETRY), signal);
  }
}

/** After a refusal: `poll()` where the server has been told Stream=no meanwhile, else `otherwise()`. */
export async function ifStreamsAreOff(error, poll, otherwise) {
  if (error.status === 404) await session.load().catch(() => {});
  if (session.streams) otherwise?.();
  else poll();
}

async function once(url, stream, signal, onOpen) {
  const headers = { Accept: 'text/event-stream' };
  if (stream.lastId !== null) headers['Last-Event-ID'] = String(stream.lastId);
  let answer;
  try {
    answer = await fetch(url, { headers, signal, credentials: 'same-origin', cache: 'no-store' });
  } catch (error) {
    if (!signal.aborted) connection.lost('The page’s own server does not answer.');
    throw error;
  }
  if (!answer.ok) throw await refusal(answer);
  connection.found();
  stream.failures = 0;
  onOpen?.();
  return read(answer.body.getReader(), stream);
}

/** Reads events until one of them is the last (true) or the connection ends (false). */
async function read(reader, stream) {
  const decoder = new TextDecoder();
  let rest = '';
  let event = { name: 'message', data: [], id: null };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return false;
    const lines = (rest + decoder.decode(value, { stream: true })).split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === '') {
        if (dispatch(event, stream)) {
          reader.cancel().catch(() => {});
          return true;
        }
        event = { name: 'message', data: [], id: null };
      } else {
        take(line, event, stream);
      }
    }
  }
}

function take(line, event, stream) {
  const colon = line.indexOf(':');
  if (colon === 0) return; // a comment that keeps the connection alive
  const field = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
  if (field === 'event') event.name = value;
  else if (field === 'data') event.data.push(value);
  else if (field === 'id') event.id = value;
  else if (field === 'retry' && /^\d+$/.test(value)) stream.retry = Number(value);
}

function dispatch(event, stream) {
  if (event.id !== null) stream.lastId = event.id;
  if (!event.data.length) return false;
  return stream.onEvent(event.name, JSON.parse(event.data.join('\n')), event.id) === true;
}

function pause(milliseconds, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        done();
      },
      { once: true },
    );
  });
}
