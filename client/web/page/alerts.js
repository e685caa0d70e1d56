// Whom alerts tell and how that went; each can be tried.
import { post } from './api.js';
import { h } from './dom.js';
import { empty } from './empty.js';
import { number, plural } from './format.js';
import { acting } from './session.js';
import { ago } from './time_text.js';
import { complain, say } from './toast.js';

export function alertList(answer, changed) {
  const { alerts = [], waiting = [], enabled } = answer;
  if (!alerts.length)
    return empty(
      'No alerts are configured.',
      h('p', { class: 'muted' }, '[Alert NAME] in batchd.conf makes one; OnFailure= of a job names it.'),
    );
  return [
    enabled === false ? h('p', { class: 'field-error' }, 'Alerts are switched off: Alerts=no in batchd.conf.') : null,
    h(
      'ul',
      { class: 'settings-list' },
      alerts.map((alert) => item(alert, changed)),
    ),
    waiting.length
      ? h(
          'details',
          { class: 'more' },
          h('summary', null, `${plural(waiting.length, 'message')} waiting to be sent`),
          h(
            'ul',
            { class: 'warnings' },
            waiting.map((one) =>
              h(
                'li',
                null,
                h('strong', null, `${one.alert}: ${one.event}`),
                ' ',
                ago(one.created_at),
                h('span', { class: 'block small' }, one.text),
                one.error ? h('span', { class: 'block small muted' }, `${one.error}; tried ${plural(one.attempts, 'time')}`) : null,
              ),
            ),
          ),
        )
      : null,
  ];
}

function item(alert, changed) {
  const button = h('button', { class: 'button small', type: 'button', onclick: () => test(alert.alert, button, changed) }, 'Send a test');
  button.setAttribute('aria-label', `Send a test to ${alert.alert}`);
  const failedLast = alert.last_failed_at && (!alert.last_sent_at || alert.last_failed_at > alert.last_sent_at);
  return h(
    'li',
    { dataset: { alert: alert.alert } },
    h(
      'div',
      null,
      h('strong', null, alert.alert),
      h('span', { class: 'muted' }, ` ${alert.kind} to ${alert.to}`),
      h(
        'span',
        { class: 'block small muted' },
        `on ${(alert.on ?? []).join(', ')}${alert.jobs?.length ? ` of ${alert.jobs.join(', ')}` : ''}`,
      ),
      h(
        'span',
        { class: 'block small' },
        `${number(alert.sent)} sent`,
        alert.last_sent_at ? [', the last ', ago(alert.last_sent_at)] : '',
        alert.failed ? `, ${number(alert.failed)} given up` : '',
      ),
      failedLast && alert.last_error ? h('span', { class: 'block small field-error' }, alert.last_error) : null,
    ),
    button,
  );
}

async function test(name, button, changed) {
  button.disabled = true;
  try {
    if (await acting(() => post(`alerts/${encodeURIComponent(name)}/test`))) say(`A test is on its way to ${name}.`);
  } catch (error) {
    complain(error);
  }
  button.disabled = false;
  setTimeout(changed, 1500); // so that what became of it is seen
}
