// Why a run did not succeed: the step, the cause in words, the last lines that it wrote, and what to do. Enough to know without logging in
// to the server.
import { get } from './api.js';
import { copyButton } from './copy.js';
import { h } from './dom.js';
import { number, title } from './format.js';
import { retryRun } from './start_run.js';
import { endedBy, whyChanges, whyNext } from './why.js';
import { advice, meaning } from './words.js';

const LAST_LINES = 15;
const TAIL_BYTES = 16384;

export const needsDiagnosis = (run) =>
  ['failed', 'cancelled', 'skipped'].includes(run.status) || (run.status === 'partial' && run.error_message);

/** The first step that went wrong by itself: what failed for its dependency comes after it. */
export function culprit(shown) {
  const wrong = shown.steps.filter((step) => step.status === 'failed' || step.status === 'cancelled');
  return wrong.find((step) => step.status === 'failed' && step.reason !== 'dependency') ?? wrong[0] ?? null;
}

/** The last command beside the steps that the run asked: whether it is ready, whether it shall run. */
const beside = (shown) => shown.attempts?.findLast((attempt) => attempt.step_name.startsWith(':')) ?? null;

const nameOf = (step) => `${title(step.step_name)}${step.item ? ` [${step.item}]` : ''}`;

export async function diagnosis(shown, signal) {
  const { run } = shown;
  const why = await whyOf(run, signal);
  // A command beside a step (its Condition=, its list of items) may be what failed; that stands in the steps no more than what it decided.
  const step = culprit(shown);
  const said = why?.failures?.[0] ?? (step?.attempts ? step : beside(shown));
  const lines = said ? await lastLines(run, said, signal) : [];
  const reason = step?.reason ?? run.reason;
  const message = step?.error_message ?? run.error_message;
  const facts = [
    step ? ['Step', nameOf(step), 'diagnosis-step'] : null,
    ['Cause', [h('strong', null, reason ?? run.status), meaning(reason) ? `: ${meaning(reason)}` : null], 'diagnosis-cause'],
    message ? ['Message', message, null] : null,
    endedBy(why) ? ['Ended by', endedBy(why), null] : null,
    advice(reason) ? ['What to do', advice(reason), null] : null,
  ];
  const copied = () =>
    [
      `${run.job} #${run.run_number} ${run.status}`,
      step ? `step ${nameOf(step)}: ${reason}` : `reason: ${reason}`,
      message,
      meaning(reason),
      ...lines.map((line) => `${line.time} ${line.stream === 'stderr' ? '! ' : ''}${line.text}`),
    ]
      .filter(Boolean)
      .join('\n');
  return h(
    'section',
    { class: `diagnosis diagnosis-${run.status}`, 'aria-label': 'What happened' },
    h('div', { class: 'row between' }, h('h2', null, 'What happened'), copyButton(copied, 'Copy what happened', 'Copy')),
    why?.summary ? h('p', { class: 'diagnosis-summary' }, sentence(why.summary)) : null,
    h(
      'dl',
      { class: 'facts' },
      facts.filter(Boolean).map(([name, value, kind]) => h('div', { class: 'fact' }, h('dt', null, name), h('dd', { class: kind }, value))),
    ),
    lines.length ? lastLinesBox(lines) : said ? h('p', { class: 'muted' }, 'It wrote no output.') : null,
    alsoFailed(why, step),
    whyChanges(why),
    whyNext(why),
    run.status === 'skipped'
      ? null
      : h(
          'div',
          { class: 'row' },
          h('button', { class: 'button primary', type: 'button', onclick: () => retryRun(run.run_number) }, 'Retry'),
        ),
  );
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

function lastLinesBox(lines) {
  return h(
    'section',
    null,
    h('h3', null, 'Its last lines'),
    h(
      'pre',
      { class: 'last-lines', tabindex: 0 },
      lines.map((line) =>
        h('span', { class: line.stream === 'stderr' ? 'line-err' : null }, line.stream === 'stderr' ? '! ' : '  ', line.text, '\n'),
      ),
    ),
  );
}

/** Other steps (or items) that failed by themselves. */
function alsoFailed(why, step) {
  const others = (why?.failures ?? []).filter((one) => one.step_name !== step?.step_name || (one.item ?? '') !== (step?.item ?? ''));
  if (!others.length) return null;
  const more = why.failures_total - why.failures.length;
  return h(
    'section',
    null,
    h('h3', null, 'Failed as well'),
    h(
      'ul',
      { class: 'why' },
      others.map((one) => h('li', null, h('strong', null, nameOf(one)), ` ${one.reason}: ${one.error_message ?? one.meaning}`)),
      more > 0 ? h('li', { class: 'muted' }, `and ${number(more)} more: see the steps`) : null,
    ),
  );
}

/** The end of the log of a step's last attempt, from the file, where all of it is. */
async function lastLines(run, step, signal) {
  const query = { step: step.step_name, item: step.item || null };
  try {
    const { size } = await get(`runs/${run.run_number}/logs`, { ...query, limit: 1 }, signal);
    const page = await get(`runs/${run.run_number}/logs`, { ...query, offset: Math.max(0, size - TAIL_BYTES), limit: TAIL_BYTES }, signal);
    return page.text.split('\n').map(parse).filter(Boolean).slice(-LAST_LINES);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    return []; // it never began, or its log is no longer kept
  }
}

/** A line of the file: "2026-11-22T12:00:00.123456789Z stderr F text". */
function parse(text) {
  const match = /^(\d{4}-\S+Z) (stdout|stderr) [FP] (.*)$/.exec(text);
  return match && { time: match[1], stream: match[2], text: match[3] };
}

async function whyOf(run, signal) {
  try {
    return await get(`runs/${run.run_number}/why`, null, signal);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    return null; // the facts of the steps are there
  }
}
