// The HTTP API: one function a verb. Addresses are relative to the page, which may live below any prefix of a proxy.
import { connection } from './connection.js';

const BASE = new URL('api/v1/', document.baseURI);
const TOKEN_HEADER = 'X-CSRF-Token';
// An answer that was lost is asked for again under the same request_id, so that nothing happens twice (protocol.md).
const REPEATS = 3;
const REPEAT_AFTER = 700; // milliseconds

let token = null;

/** The token against cross-site requests, as the session tells it. */
export function setToken(value) {
  token = value;
}

/** What went wrong, in the words of the daemon: `kind` is for programs, `message` for people, `data` has the particulars. */
export class ApiError extends Error {
  constructor(status, kind, message, data = {}) {
    super(message);
    this.status = status;
    this.kind = kind;
    this.data = data;
  }
}

export function address(path, query) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== '') url.searchParams.set(name, value);
  }
  return url;
}

/** The answer to a GET. Throws ApiError; an AbortError when `signal` ends it. */
export function get(path, query, signal) {
  return call('GET', address(path, query), { signal });
}

/** Does something. The daemon's answer to a repeated request_id is the first one, so a lost answer costs nothing. */
export async function post(path, body = {}) {
  const options = { body: JSON.stringify({ request_id: requestId(), ...body }) };
  for (let repeat = 0; ; repeat++) {
    try {
      return await call('POST', address(path), options);
    } catch (error) {
      if (!(error instanceof ApiError) || error.kind !== 'away' || repeat === REPEATS) throw error;
      await new Promise((done) => setTimeout(done, REPEAT_AFTER * (repeat + 1)));
    }
  }
}

export function send(method, path, body) {
  return call(method, address(path), { body: body === undefined ? undefined : JSON.stringify(body) });
}

async function call(method, url, { body, signal }) {
  const headers = {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET' && token) headers[TOKEN_HEADER] = token;
  let answer;
  try {
    answer = await fetch(url, { method, headers, body, signal });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    connection.lost('The page’s own server does not answer.');
    throw new ApiError(0, 'away', 'The server of this page does not answer.');
  }
  if (!answer.ok) throw await refusal(answer);
  connection.found();
  return answer.status === 204 ? null : answer.json();
}

/** The error of an answer that is none; also used for streams. */
export async function refusal(answer) {
  const body = await answer.json().catch(() => ({}));
  const error = body.error ?? body;
  const data = { ...(error.data ?? error) };
  const wait = Number(answer.headers.get('Retry-After'));
  if (wait && !data.retry_after_seconds) data.retry_after_seconds = wait;
  const message = error.message ?? `The server answered ${answer.status} ${answer.statusText}`;
  if (answer.status === 502 || answer.status === 504) {
    connection.lost('The proxy before the page finds no server.');
    return new ApiError(answer.status, 'away', message, data);
  }
  // `unavailable` is said by the server when the daemon is away, and by a daemon that is there but cannot do this one thing.
  if (data.kind === 'unavailable') connection.doubt(message);
  else connection.found();
  return new ApiError(answer.status, data.kind ?? String(answer.status), message, data);
}

/** A name for one request. crypto.randomUUID is missing where the page comes by plain HTTP. */
function requestId() {
  return `web-${[...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
