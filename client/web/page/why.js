// What run.why answers: facts of what goes on, what has changed since it last went well, and what to do next.
import { copyButton } from './copy.js';
import { h } from './dom.js';
import { plural } from './format.js';
import { link } from './router.js';
import { ago, when } from './time_text.js';

/** Why a run waits, or what it does: the facts in their order. Null where there are none. */
export function whyFacts(answer) {
  const facts = answer?.facts ?? [];
  if (!facts.length) return null;
  return h(
    'ul',
    { class: 'why' },
    facts.map((fact) =>
      h(
        'li',
        null,
        fact.run_number && fact.run_number !== answer.run?.run_number
          ? h('a', { href: link(['runs', String(fact.run_number)]) }, fact.text)
          : fact.text,
        fact.since ? h('span', { class: 'muted small' }, ' since ', when(fact.since)) : null,
        fact.until ? h('span', { class: 'muted small' }, ' until ', when(fact.until)) : null,
        fact.due_at ? h('span', { class: 'muted small' }, ' due ', when(fact.due_at)) : null,
      ),
    ),
  );
}

/** What is different from the last run that did its work; null where there was none or nothing is. */
export function whyChanges(answer) {
  const last = answer?.last_success;
  if (!last) return null;
  const heading = [
    'Last success: ',
    h('a', { href: link(['runs', String(last.run_number)]) }, `#${last.run_number}`),
    ', ',
    ago(last.completed_at),
  ];
  if (!answer.changes?.length) return h('p', { class: 'small' }, heading, '. Nothing is known to have changed since.');
  return h(
    'section',
    null,
    h('h3', null, 'What has changed'),
    h('p', { class: 'muted small' }, heading),
    h(
      'ul',
      { class: 'why' },
      answer.changes.map((change) =>
        h(
          'li',
          null,
          change.text,
          [...(change.removed ?? []).map((line) => `- ${line}`), ...(change.added ?? []).map((line) => `+ ${line}`)].map((line) =>
            h('code', { class: 'block' }, line),
          ),
        ),
      ),
    ),
  );
}

/** Commands that go on from here, for who has a terminal. */
export function whyNext(answer) {
  if (!answer?.next?.length) return null;
  return h(
    'details',
    { class: 'more' },
    h('summary', null, `${plural(answer.next.length, 'command')} for a terminal`),
    h(
      'ul',
      { class: 'plain-list' },
      answer.next.map(({ text, command }) =>
        h(
          'li',
          { class: 'command' },
          h('code', null, command),
          copyButton(() => command, `Copy: ${command}`),
          h('span', { class: 'muted small' }, text),
        ),
      ),
    ),
  );
}

/** Who ended it, in words; '' where nobody did. */
export function endedBy(answer) {
  const by = answer?.ended_by;
  if (!by) return '';
  return `${by.on_behalf ?? by.user}${by.reason ? `: ${by.reason}` : ''}`;
}
