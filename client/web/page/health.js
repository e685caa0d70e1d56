// The health of what batchd stands on: a row each, with a word, a figure and what to do when it is not well.
import { h } from './dom.js';
import { bytes, duration, number, plural } from './format.js';
import { stateWord } from './status_word.js';
import { ago } from './time_text.js';

/** Rows of {name, state: 'up'|'down'|'off'|'warn', word, detail}. */
export function healthRows(status) {
  const { store, mirror, launcher, disk } = status;
  return [
    status.draining
      ? row(
          'Daemon',
          'warn',
          'drained',
          `Nothing new starts${status.draining.reason ? `: ${status.draining.reason}` : ''}. batchctl drain --off takes it back.`,
        )
      : row('Daemon', 'up', 'up', [
          `since ${duration(status.uptime_seconds)}, version ${status.version}, ${bytes(status.memory_bytes)}, ${plural(status.watchers ?? 0, 'watcher')}`,
        ]),
    row(
      'Launcher',
      launcher?.state ?? 'down',
      launcher?.state ?? 'down',
      launcher?.state === 'up' ? 'starts the steps' : 'No step can start. systemctl status batch-runner',
    ),
    row(
      'Record on disk',
      store?.state ?? 'down',
      store?.state ?? 'down',
      store?.error ?? (store?.waiting ? `${plural(store.waiting, 'change')} waiting to be written` : store?.path),
    ),
    ...mirrorRows(mirror),
    ...diskRows(disk),
    ...(status.job_errors ?? []).map((error) => row('Job file', 'warn', 'wrong', `${error.file}:${error.line}: ${error.message}`)),
  ];
}

function mirrorRows(mirror) {
  if (!mirror) return [];
  if (mirror.state === 'off')
    return [row('Database', 'off', 'none', 'No Database= is configured: history is in the record on disk alone.')];
  const waiting = mirror.rows_waiting ? `${plural(mirror.rows_waiting, 'row')} waiting, the oldest since ` : '';
  const detail =
    mirror.state === 'up'
      ? [`PostgreSQL ${mirror.server_version ?? ''}`, waiting ? [', ', waiting, ago(mirror.oldest_waiting)] : ', everything mirrored']
      : [
          mirror.error ?? 'cannot be reached',
          waiting ? ['. ', waiting, ago(mirror.oldest_waiting)] : null,
          '. Nothing is lost: rows follow when it is back.',
        ];
  return [
    row('Database', mirror.state, mirror.state, detail),
    ...(mirror.parked
      ? [row('Parked rows', 'warn', number(mirror.parked), 'The database refused them for their data; the daemon’s log names each.')]
      : []),
  ];
}

function diskRows(disk) {
  if (!disk) return [];
  const free = disk.free_bytes ?? disk.available_bytes;
  const low = disk.state && disk.state !== 'up' && disk.state !== 'ok';
  return [
    row(
      'Disk',
      low ? 'down' : 'up',
      low ? disk.state : 'up',
      free === undefined ? (disk.error ?? '') : `${bytes(free)} free${disk.total_bytes ? ` of ${bytes(disk.total_bytes)}` : ''}`,
    ),
  ];
}

function row(name, state, word, detail) {
  return { name, state, word, detail };
}

const STATUS = { up: 'success', down: 'failed', warn: 'partial', off: 'skipped' };

export function healthList(rows) {
  return h(
    'dl',
    { class: 'health' },
    rows.map(({ name, state, word, detail }) =>
      h(
        'div',
        { class: 'health-row' },
        h('dt', null, name),
        h('dd', null, stateWord(STATUS[state] ?? 'failed', word), h('span', { class: 'health-detail' }, detail)),
      ),
    ),
  );
}
