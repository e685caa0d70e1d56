// The definition of a job as it is in force: facts, steps and what each may do.
import { h } from './dom.js';
import { bytes, duration, number, plural, title } from './format.js';
import { table } from './table.js';
import { due } from './time_text.js';

function fact(name, ...value) {
  return h('div', { class: 'fact' }, h('dt', null, name), h('dd', null, value));
}

export function jobFacts(job) {
  return h(
    'dl',
    { class: 'facts' },
    fact('Name', h('code', null, job.job)),
    job.batch_type && job.batch_type !== job.job ? fact('Type', job.batch_type) : null,
    fact(
      'Schedule',
      job.on_calendar?.length
        ? `${job.on_calendar.join(', ')}${job.time_zone ? ` (${job.time_zone})` : ''}`
        : 'by hand, a timer or another program',
    ),
    job.next_elapse ? fact('Next', due(job.next_elapse)) : null,
    job.paused ? fact('Paused', job.paused.reason ?? 'yes', job.paused.by ? ` by ${job.paused.by}` : '') : null,
    fact(
      'While one runs',
      { reject: 'another is refused', queue: 'another waits', replace: 'another takes its place', allow: 'another runs beside it' }[
        job.overlap
      ] ?? job.overlap,
    ),
    job.run_timeout_seconds ? fact('May take', duration(job.run_timeout_seconds)) : null,
    fact('File', h('code', null, job.path)),
  );
}

export function stepTable(job) {
  return h(
    'div',
    { class: 'table-scroll' },
    table(
      ['Step', 'What it does', 'Expected impact', 'Limits', 'Command'],
      h(
        'tbody',
        null,
        job.steps.map((step) =>
          h(
            'tr',
            null,
            h(
              'th',
              { scope: 'row' },
              title(step.name),
              step.after?.length ? h('small', { class: 'muted block' }, `after ${step.after.join(', ')}`) : null,
            ),
            h('td', null, step.description ?? '–'),
            h('td', { dataset: { name: 'impact' } }, step.impact ?? '–'),
            h('td', { class: 'small', dataset: { name: 'limits' } }, limits(step)),
            h('td', null, h('code', null, (step.exec ?? []).map(quoted).join(' '))),
          ),
        ),
      ),
      'definition-table',
    ),
  );
}

function limits(step) {
  const words = [
    step.timeout_seconds ? `timeout ${duration(step.timeout_seconds)}` : '',
    step.heartbeat_seconds ? `heartbeat ${duration(step.heartbeat_seconds)}` : '',
    step.retries ? `${step.retries} retries` : '',
    step.memory_max ? `memory ${bytes(step.memory_max)}` : '',
    step.for_each ? `for each ${Array.isArray(step.for_each) ? `of ${plural(step.for_each.length, 'item')}` : 'item'}` : '',
    step.max_parallel > 1 ? `${step.max_parallel} at once` : '',
    step.records_min ? `${number(step.records_min)} records at least` : '',
    step.coverage_min ? `coverage ${Math.round(step.coverage_min * 100)} % at least` : '',
    step.breaker_failures ? `not tried for a while after ${step.breaker_failures} failures` : '',
    step.critical === false ? 'not critical' : '',
  ].filter(Boolean);
  return words.join(', ') || 'none';
}

const quoted = (argument) => (/[\s"'$]/.test(argument) ? `'${argument}'` : argument);
