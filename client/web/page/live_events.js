// All runs, live: changes of state from the one stream of them, or by polling. Views hear `change` with the run that changed (null: any).
import { address } from './api.js';
import { connection } from './connection.js';
import { whileSeen } from './seen.js';
import { session } from './session.js';
import { follow, ifStreamsAreOff } from './sse.js';

const POLL = 2000; // milliseconds

/** Calls changed(event or null) whenever something changed, until the life ends. */
export function watchRuns(life, changed) {
  life.on(connection, 'back', () => changed(null));
  const polling = () => life.every(POLL, () => changed(null));
  if (!session.streams) {
    polling();
    return;
  }
  whileSeen(life, (signal) => {
    if (!session.streams) return;
    changed(null);
    follow(address('events'), {
      signal,
      onOpen: () => changed(null), // what changed while nobody listened
      onEvent: (name, data) => {
        changed({ name, ...data });
        return false;
      },
      onRefused(error) {
        ifStreamsAreOff(error, polling); // of other refusals the views tell
      },
    });
  });
}
