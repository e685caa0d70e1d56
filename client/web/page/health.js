// The health of what batchd stands on: a row each, with a word, a figure and what to do when it is not well.
import { h } from './dom.js';
import { bytes, duration, number, plural } from './format.js';
import { stateWord } from './status_word.js';
import { ago } from './time_text.js';

/** Rows of {name, state: 'up'|'down'|'off'|'warn', word, detail}. */
export function healthRows(status) {
  const { store, mirror, launcher } = status;
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
      'Record',
      store?.state ?? 'down',
      store?.state ?? 'down',
      store?.error ??
        (store?.waiting ? `${plural(store.waiting, 'change')} waiting to be written to ${store.path}` : `the record is in ${store?.path}`),
    ),
    ...(status.file_systems ?? []).map(diskRow),
    ...mirrorRows(mirror),
    ...breakerRows(status.breakers),
    ...(status.job_errors ?? []).map((error) => row('Job file', 'warn', 'wrong', `${error.file}:${error.line}: ${error.message}`)),
  ];
}

const HOLDS = { state: 'the record', runs: 'logs of runs', runtime: 'sockets', log: 'the daemon’s log' };

/** Room on a file system that the daemon and its runs write to. */
function diskRow({ path, holds, state, error, measured_at: at, free_bytes: free, total_bytes: total, free_inodes: files }) {
  const what = (holds ?? []).map((word) => HOLDS[word] ?? word).join(', ');
  const place = `${path}${what ? ` (${what})` : ''}`;
  if (state === 'unknown' || free === undefined || free === null)
    return row('Disk', 'warn', 'unknown', [`${place}: ${error ?? 'it does not answer'}`, at ? [', measured ', ago(at)] : '']);
  const figures = `of ${bytes(total)}: ${place}`;
  if (state !== 'low') return row('Disk', 'up', `${bytes(free)} free`, figures);
  const left = free < total / 10 ? '' : `, room for ${plural(files, 'file')}`;
  return row('Disk', 'warn', `${bytes(free)} free`, `${figures}${left}. Make room, or keep runs for a shorter time: Keep= in batchd.conf.`);
}

function mirrorRows(mirror) {
  if (!mirror) return [];
  if (mirror.state === 'off')
    return [row('Database', 'off', 'none', 'No Database= is configured: history is in the record on disk alone.')];
  const up = mirror.state === 'up';
  const waiting = mirror.rows_waiting
    ? [`${plural(mirror.rows_waiting, 'row')} waiting, the oldest since `, ago(mirror.oldest_waiting)]
    : null;
  return [
    row(
      'Database',
      mirror.state,
      mirror.state,
      up ? `PostgreSQL ${String(mirror.server_version ?? '').split(' ')[0]}` : (mirror.error ?? 'cannot be reached'),
    ),
    row('Mirror', waiting ? 'warn' : 'up', waiting ? 'behind' : 'up', [
      waiting ?? 'every row is in the database',
      up ? '' : '. Nothing is lost: rows follow when it is back.',
    ]),
    ...(mirror.parked
      ? [row('Parked rows', 'warn', number(mirror.parked), 'The database refused them for their data; the daemon’s log names each.')]
      : []),
  ];
}

function breakerRows(breakers) {
  if (!breakers?.length) return [];
  const names = breakers.slice(0, 3).map(({ job, step }) => `${job} ${step}`);
  return [
    row('Breakers', 'warn', `${number(breakers.length)} open`, [
      `${names.join(', ')}${breakers.length > names.length ? ' and more' : ''}: `,
      h('a', { href: '#/settings' }, 'Settings'),
    ]),
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
