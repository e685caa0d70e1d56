// One run, live: its lines and its state from the stream, or by polling where streams are switched off. Either way nothing is missed:
// the number of the last line that was taken is where the next request begins.
import { address, get } from './api.js';
import { connection } from './connection.js';
import { Life } from './life.js';
import { whileSeen } from './seen.js';
import { session } from './session.js';
import { follow, ifStreamsAreOff } from './sse.js';

const POLL = 700; // milliseconds
const FINAL = new Set(['success', 'partial', 'failed', 'cancelled', 'skipped']);

export const isOver = (status) => FINAL.has(status);

/**
 * Follows a run behind the line `after` (null: the last lines that the live buffer holds). `handlers`: lines(list), state(object),
 * end(object), open(), broken(), refused(error). Returns the life to end.
 */
export function followRun(run, after, handlers) {
  const life = new Life();
  const feed = { run: encodeURIComponent(run), last: after, over: false, ...handlers };
  const polling = () => life.every(POLL, () => poll(feed, life));
  if (session.streams) whileSeen(life, (signal) => stream(feed, signal, polling));
  else polling();
  return life;
}

function take(feed, lines) {
  const fresh = feed.last === null ? lines : lines.filter((line) => line.seq > feed.last);
  if (!fresh.length) return;
  feed.last = fresh.at(-1).seq;
  feed.lines(fresh);
}

function stream(feed, signal, polling) {
  if (feed.over || !session.streams) return;
  follow(address(`runs/${feed.run}/stream`), {
    signal,
    lastId: feed.last,
    onOpen: feed.open,
    onBreak: feed.broken,
    onRefused(error) {
      ifStreamsAreOff(error, polling, () => feed.refused?.(error));
    },
    onEvent(name, data) {
      if (name === 'lines') take(feed, data.lines);
      else if (name === 'state') feed.state(data);
      else if (name === 'daemon' && data.state === 'down') connection.lost(data.message);
      else if (name === 'end') {
        feed.over = true;
        feed.end(data);
        return true;
      }
      return false;
    },
  });
}

async function poll(feed, life) {
  try {
    const shown = await get(`runs/${feed.run}`, null, life.signal);
    await pollLines(feed, life.signal);
    feed.open?.();
    feed.state(stateOf(shown));
    if (isOver(shown.run.status)) {
      life.end();
      feed.end({ ...shown.run, last_seq: shown.last_seq });
    }
  } catch (error) {
    if (error.name === 'AbortError') return;
    if (error.kind === 'away' || error.kind === 'unavailable') feed.broken?.();
    else {
      life.end();
      feed.refused?.(error);
    }
  }
}

async function pollLines(feed, signal) {
  for (;;) {
    const page = await get(`runs/${feed.run}/lines`, { after: feed.last }, signal);
    take(feed, page.lines);
    if (feed.last === null) feed.last = page.last ?? 0;
    if (!page.next || !page.lines.length) return;
  }
}

/** What run.show answers, in the shape of a run.state. */
export function stateOf(shown) {
  const { run, steps, progress, ...rest } = shown;
  return { ...run, ...rest, progress, steps };
}
