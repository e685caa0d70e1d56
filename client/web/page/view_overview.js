// Overview: what runs, whether the data of the week is there, whether everything is well, what comes and what was missed.
import { get } from './api.js';
import { connection } from './connection.js';
import { h, replace, syncList } from './dom.js';
import { empty } from './empty.js';
import { errorBox, filling } from './error_box.js';
import { duration, plural, title } from './format.js';
import { healthList, healthRows } from './health.js';
import { forgetJobs, jobs as allJobs } from './jobs_store.js';
import { once } from './kept.js';
import { watchRuns } from './live_events.js';
import { quickButtons } from './quick_buttons.js';
import { readinessCard, refreshReadiness } from './readiness.js';
import { link } from './router.js';
import { runCard } from './run_card.js';
import { statusWord } from './status_word.js';
import { table } from './table.js';
import { ago, due } from './time_text.js';
import { meaning } from './words.js';

const SLOW = 15000; // milliseconds between looks at what changes slowly
const MISSED_DAYS = 7;
const AHEAD = 6;
const MOST_CARDS = 12; // runs that are shown step by step

export function mount(root, route, life) {
  const quick = h('div', { class: 'quick-place' });
  const running = h('div', { class: 'stack' });
  const moreRunning = h('p', { class: 'small' });
  const readiness = h('div', { class: 'card-body wait-readiness' });
  const health = h('div', { class: 'card-body wait-health' });
  const jobs = h('div', { class: 'card-body' });
  const next = h('div', { class: 'card-body' });
  const missed = h('div', { class: 'card-body' });
  replace(
    root,
    h('h1', { class: 'off-screen' }, 'Overview'),
    quick,
    h('section', { 'aria-labelledby': 'running-title' }, h('h2', { id: 'running-title' }, 'Running now'), running, moreRunning),
    h(
      'div',
      { class: 'grid two' },
      section('Data readiness', readiness),
      section('Health', health),
      section('Due next', next),
      section(`Missed in ${MISSED_DAYS} days`, missed),
    ),
    section('Jobs', jobs),
  );

  const slow = () =>
    Promise.all([
      filling(readiness, life, () => readinessOf(life)),
      filling(health, life, async () => healthList(healthRows(await once('status')))),
      filling(jobs, life, async () => {
        const list = await allJobs();
        const buttons = quickButtons(list);
        quick.hidden = !buttons.firstChild;
        replace(quick, buttons);
        return jobTable(list, await lastSuccesses(list, life));
      }),
      filling(next, life, () => dueNext(life)),
      filling(missed, life, () => missedTimes(life)),
    ]);
  watchRunning(running, moreRunning, life, slow);
  life.every(SLOW, slow);
  life.on(connection, 'back', slow);
}

function section(heading, body) {
  return h('section', { class: 'card' }, h('h2', null, heading), body);
}

/** Cards of the runs that go on: asked for anew when something has changed, a few times a second at most. */
function watchRunning(box, more, life, onEnded) {
  let wanted = false;
  let busy = false;
  let numbers = '';
  const look = async () => {
    wanted = true;
    if (busy) return;
    busy = true;
    while (wanted && !life.over) {
      wanted = false;
      numbers = await showRunning(box, more, life, numbers, onEnded);
      await new Promise((done) => setTimeout(done, 250));
    }
    busy = false;
  };
  watchRuns(life, look);
  life.every(1000, () => {
    if (box.querySelector('.run-card')) look(); // elapsed times go on without events
  });
}

async function showRunning(box, more, life, before, onEnded) {
  try {
    const { runs: all } = await get('runs/current', null, life.signal);
    const runs = all.slice(0, MOST_CARDS);
    const shown = await Promise.all(runs.map((run) => get(`runs/${run.run_number}`, null, life.signal).catch(() => null)));
    const numbers = all.map((run) => run.run_number).join();
    replace(
      more,
      all.length > runs.length
        ? h('a', { href: link(['history'], { status: 'running' }) }, `and ${plural(all.length - runs.length, 'more run')}`)
        : null,
    );
    if (!runs.length) {
      if (!box.querySelector('.empty'))
        replace(
          box,
          empty(
            'Nothing is running.',
            h('p', { class: 'muted' }, 'What can be started is on the ', h('a', { href: '#/actions' }, 'Actions tab'), '.'),
          ),
        );
    } else {
      box.querySelector('.empty, .error-box')?.remove();
      const of = new Map(runs.map((run, index) => [run.run_number, shown[index]]));
      syncList(
        box,
        runs,
        (run) => run.run_number,
        runCard,
        (card, run) => card.update(run, of.get(run.run_number)),
      );
    }
    if (before !== numbers && before !== '') {
      forgetJobs();
      onEnded();
    }
    return numbers;
  } catch (error) {
    if (error.name !== 'AbortError' && error.kind !== 'away') replace(box, errorBox(error));
    return before;
  }
}

async function readinessOf(life) {
  try {
    const { weeks } = await get('readiness', null, life.signal);
    const button = h('button', { class: 'button small', type: 'button', onclick: () => refreshReadiness(weeks[0]) }, 'Count anew');
    if (!weeks.length) return empty('No week has been counted yet.', button);
    return [readinessCard(weeks[0]), button];
  } catch (error) {
    if (error.kind === 'unavailable')
      return empty('Nothing is known of the data.', h('p', { class: 'muted' }, error.message));
    throw error;
  }
}

/** {job: its last run that did its work}, asked for where the last run of all did not. */
async function lastSuccesses(jobs, life) {
  const good = (run) => run && (run.status === 'success' || run.status === 'partial');
  const found = await Promise.all(
    jobs.map(async (job) => {
      if (!job.last_run || good(job.last_run)) return [job.job, job.last_run];
      const answers = await Promise.all(
        ['success', 'partial'].map((status) => get('runs', { job: job.job, status, limit: 1 }, life.signal)),
      );
      return [job.job, answers.flatMap((answer) => answer.runs).sort((a, b) => b.run_number - a.run_number)[0]];
    }),
  );
  return Object.fromEntries(found);
}

function jobTable(jobs, successes) {
  if (!jobs.length) return empty('No jobs are defined.', h('p', { class: 'muted' }, 'A job is a file in jobs.d: see batchd.job(5).'));
  return h(
    'div',
    { class: 'table-scroll' },
    table(
      ['Job', 'Last run', 'When', ['Took', 'wide-only'], 'Last success', 'Next'],
      h(
        'tbody',
        null,
        jobs.map((job) => {
          const last = job.last_run;
          const success = successes[job.job];
          return h(
            'tr',
            null,
            h(
              'th',
              { scope: 'row' },
              h('a', { href: link(['scripts', job.job]) }, title(job.job)),
              job.broken ? h('span', { class: 'tag tag-failed' }, 'file is wrong') : null,
            ),
            h(
              'td',
              null,
              last
                ? h('a', { class: 'status-link', href: link(['runs', String(last.run_number)]) }, statusWord(last.status, last.reason))
                : h('span', { class: 'muted' }, 'never'),
            ),
            h('td', { class: last ? 'figure' : 'figure wide-only', dataset: { name: 'ran' } }, last ? ago(last.started_at ?? last.created_at) : '–'),
            h('td', { class: 'figure wide-only' }, last ? duration(last.duration_seconds) : '–'),
            h(
              'td',
              { class: last ? 'figure' : 'figure wide-only', dataset: { name: 'last success' } },
              success ? ago(success.completed_at) : h('span', { class: 'muted' }, 'never'),
            ),
            h(
              'td',
              { class: 'figure wide-only' },
              job.paused ? h('span', { class: 'tag' }, 'paused') : job.next_elapse ? due(job.next_elapse) : 'by hand',
            ),
          );
        }),
      ),
      'jobs-table',
    ),
  );
}

async function dueNext(life) {
  const { due_times: times } = await get('schedules', { count: AHEAD }, life.signal);
  if (!times.length) return empty('Nothing is scheduled.', h('p', { class: 'muted' }, 'OnCalendar= in a job’s file gives it due times.'));
  return h(
    'ul',
    { class: 'plain-list' },
    times.map((time) =>
      h(
        'li',
        { class: 'row between' },
        h(
          'span',
          null,
          h('a', { href: link(['scripts', time.job]) }, title(time.job)),
          time.paused ? h('span', { class: 'tag' }, 'paused') : null,
        ),
        h(
          'span',
          { class: 'muted due-time' },
          h('span', { class: 'figure' }, due(time.starts_at ?? time.due_at)),
          h('span', { class: 'figure due-in' }, ago(time.starts_at ?? time.due_at)),
        ),
      ),
    ),
  );
}

async function missedTimes(life) {
  const from = new Date(Date.now() - MISSED_DAYS * 86400000).toISOString();
  const { due_times: times } = await get('schedules', { from, count: 500 }, life.signal);
  const missed = times.filter((time) => time.outcome === 'missed' || time.outcome === 'skipped').reverse();
  if (!missed.length) return empty('Nothing was missed or skipped.');
  return h(
    'ul',
    { class: 'plain-list' },
    missed
      .slice(0, 10)
      .map((time) =>
        h(
          'li',
          null,
          h(
            'span',
            { class: 'row between' },
            h(
              'span',
              null,
              h('a', { href: link(['scripts', time.job]) }, title(time.job)),
              ' ',
              statusWord(time.outcome === 'missed' ? 'failed' : 'skipped', time.reason),
            ),
            h('span', { class: 'muted figure' }, due(time.due_at)),
          ),
          h('span', { class: 'muted small' }, meaning(time.reason), time.due_count > 1 ? ` ${plural(time.due_count, 'due time')}.` : ''),
        ),
      ),
  );
}
