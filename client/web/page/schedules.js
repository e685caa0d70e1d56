// Each job with its next due times; paused and resumed here, with a reason that others will read.
import { get, post } from './api.js';
import { openDialog } from './dialog.js';
import { h } from './dom.js';
import { empty } from './empty.js';
import { plural, title } from './format.js';
import { jobs as allJobs } from './jobs_store.js';
import { link } from './router.js';
import { acting } from './session.js';
import { complain, say } from './toast.js';
import { due, when } from './time_text.js';

const AHEAD = 3; // due times of a job

export async function scheduleList(life, changed) {
  const jobs = await allJobs();
  if (!jobs.length) return empty('No jobs are defined.');
  const times = await Promise.all(
    jobs.map((job) => (job.next_elapse ? get('schedules', { job: job.job, count: AHEAD }, life.signal) : { due_times: [] })),
  );
  const rows = jobs.map((job, index) => ({ job, times: times[index].due_times }));
  const bySchedule = rows.filter(({ job }) => job.next_elapse || job.paused);
  const byHand = rows.filter((row) => !bySchedule.includes(row));
  const list = (some) =>
    h(
      'ul',
      { class: 'schedules' },
      some.map((row) => item(row.job, row.times, changed)),
    );
  return [
    bySchedule.length
      ? list(bySchedule)
      : empty('No job has a schedule.', h('p', { class: 'muted' }, 'OnCalendar= in a job’s file gives it due times.')),
    byHand.length
      ? h(
          'details',
          { class: 'more', open: bySchedule.length === 0 },
          h('summary', null, `${plural(byHand.length, 'job')} without a schedule: by hand, a timer or another program`),
          list(byHand),
        )
      : null,
  ];
}

function item(job, times, changed) {
  const button = job.paused
    ? h('button', { class: 'button small', type: 'button', onclick: () => resume(job, changed) }, 'Resume')
    : h('button', { class: 'button small', type: 'button', onclick: () => pause(job, changed) }, 'Pause');
  button.setAttribute('aria-label', `${job.paused ? 'Resume' : 'Pause'} ${job.job}`);
  return h(
    'li',
    { dataset: { job: job.job } },
    h(
      'div',
      { class: 'schedule-name' },
      h('a', { href: link(['scripts', job.job]) }, title(job.job)),
      h('span', { class: 'muted small block' }, job.description),
    ),
    h(
      'div',
      { class: 'schedule-times' },
      job.paused
        ? pausedText(job.paused)
        : times.length
          ? times.map((time) => h('span', { class: 'tag figure' }, due(time.starts_at ?? time.due_at)))
          : null,
    ),
    button,
  );
}

function pausedText(paused) {
  return h(
    'span',
    null,
    h('span', { class: 'tag tag-partial' }, 'paused'),
    ' since ',
    when(paused.since),
    paused.by ? ` by ${paused.by}` : '',
    paused.until ? [' until ', when(paused.until)] : '',
    paused.reason ? h('span', { class: 'block' }, `“${paused.reason}”`) : null,
  );
}

async function resume(job, changed) {
  await act(job, 'resume', {}, 'is resumed', changed);
}

async function pause(job, changed) {
  const reason = h('input', { type: 'text', id: 'pause-reason', maxlength: 200, placeholder: 'shown with the job' });
  const until = h('input', { type: 'datetime-local', id: 'pause-until' });
  const agreed = await openDialog(`Pause ${job.job}?`, (close) =>
    h(
      'form',
      {
        class: 'stack',
        onsubmit: (event) => {
          event.preventDefault();
          close(true);
        },
      },
      h('p', null, 'Nothing of it starts until it is resumed; due times meanwhile are skipped. What runs goes on.'),
      h('label', { for: 'pause-reason' }, 'Why'),
      reason,
      h('label', { for: 'pause-until' }, 'Until (empty: until somebody resumes it)'),
      until,
      h(
        'div',
        { class: 'row end' },
        h('button', { class: 'button', type: 'button', onclick: () => close(false) }, 'Back'),
        h('button', { class: 'button primary', type: 'submit' }, 'Pause'),
      ),
    ),
  );
  if (!agreed) return;
  const body = {};
  if (reason.value.trim()) body.reason = reason.value.trim();
  if (until.value) body.until = new Date(until.value).toISOString();
  await act(job, 'pause', body, 'is paused', changed);
}

async function act(job, verb, body, done, changed) {
  try {
    if (!(await acting(() => post(`jobs/${encodeURIComponent(job.job)}/${verb}`, body)))) return;
    say(`${job.job} ${done}.`);
  } catch (error) {
    complain(error);
  }
  changed();
}
