// Scripts: every job with what it does, what it takes and what it will change; started from a form.
import { backfillForm, canBackfill } from './backfill_form.js';
import { connection } from './connection.js';
import { h, replace } from './dom.js';
import { empty } from './empty.js';
import { errorBox } from './error_box.js';
import { title } from './format.js';
import { forgetJobs, job as jobOf, jobs as allJobs } from './jobs_store.js';
import { jobFacts, stepTable } from './job_definition.js';
import { runForm } from './run_form.js';
import { link } from './router.js';
import { statusWord } from './status_word.js';
import { ago } from './time_text.js';

export function mount(root, route, life) {
  const list = h('nav', { class: 'script-list', 'aria-label': 'Jobs' });
  const detail = h('div', { class: 'script-detail' });
  let chosen = route.path[1];
  let { query } = route;
  replace(root, h('h1', null, 'Scripts'), h('div', { class: 'scripts' }, list, detail));

  let turn = 0;
  const show = async () => {
    const mine = ++turn; // who has gone on to another job meanwhile wants no answer about this one
    const late = () => life.over || mine !== turn;
    let broken = null;
    try {
      const jobs = await allJobs();
      if (late()) return;
      if (!jobs.length) {
        replace(detail, empty('No jobs are defined.', h('p', { class: 'muted' }, 'A job is a file in jobs.d: see batchd.job(5).')));
        return;
      }
      const name = chosen ?? (jobs.find((job) => !job.broken) ?? jobs[0]).job;
      replace(
        list,
        jobs.map((job) => listItem(job, name)),
      );
      list.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' }); // on a phone the list is a strip
      broken = jobs.find((job) => job.job === name)?.broken;
      const job = await jobOf(name);
      if (!late()) replace(detail, jobDetail(job, query));
    } catch (error) {
      if (late() || error.name === 'AbortError') return;
      // A file that was never right: there is nothing of the job but that.
      replace(detail, errorBox(broken ? new Error(`Its file is wrong: ${broken}`) : error, show));
    }
  };
  life.on(connection, 'back', () => {
    forgetJobs();
    if (detail.querySelector('.error-box')) show();
  });
  show();
  return {
    /** Another job of the list: the list stays. */
    update(next) {
      chosen = next.path[1];
      query = next.query;
      return show();
    },
  };
}

function listItem(job, chosen) {
  return h(
    'a',
    { href: link(['scripts', job.job]), 'aria-current': job.job === chosen ? 'true' : null },
    h('span', { class: 'script-name', title: title(job.job) }, title(job.job)),
    job.broken ? h('span', { class: 'tag tag-failed' }, 'file is wrong') : null,
    h(
      'span',
      { class: 'small muted' },
      job.last_run ? [job.last_run.status, ' ', ago(job.last_run.started_at ?? job.last_run.created_at)] : 'never ran',
    ),
  );
}

function jobDetail(job, query) {
  const last = job.last_run;
  return [
    h(
      'section',
      { class: 'card' },
      h(
        'div',
        { class: 'row between wrap' },
        h('h2', null, title(job.job)),
        h(
          'span',
          { class: 'row' },
          last
            ? h(
                'a',
                { class: 'status-link', href: link(['runs', String(last.run_number)]) },
                `#${last.run_number} `,
                statusWord(last.status, last.reason),
              )
            : null,
          h('a', { href: link(['history'], { job: job.job }) }, 'History'),
        ),
      ),
      h('p', null, job.description),
      job.broken
        ? h('p', { class: 'error-box' }, `Its file is wrong, the last good version is in force: ${job.broken}`)
        : null,
      jobFacts(job),
    ),
    h('section', { class: 'card' }, h('h2', null, 'Run it'), runForm(job, query)),
    canBackfill(job)
      ? h(
          'section',
          { class: 'card' },
          h('details', { class: 'backfill', open: query.has('backfill') }, h('summary', null, h('h2', null, 'Backfill')), backfillForm(job)),
        )
      : null,
    h('section', { class: 'card' }, h('h2', null, 'Steps'), stepTable(job)),
  ];
}
