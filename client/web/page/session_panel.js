// Who may read and act here, and whether this browser may.
import { h } from './dom.js';
import { plural } from './format.js';
import { askForLogin, session } from './session.js';
import { complain } from './toast.js';

export function sessionPanel() {
  return h(
    'div',
    { class: 'stack' },
    h(
      'p',
      null,
      session.mayAct
        ? `You are logged in${session.user ? ` as ${session.user}` : ''} and may act.`
        : session.offered
          ? 'You are not logged in: you may look, not act.'
          : 'No admin password is set, so this page only shows. On the server: batch-web --hash-password, see batch-web(8).',
    ),
    h(
      'ul',
      { class: 'plain-list' },
      h(
        'li',
        null,
        h('strong', null, 'Reading: '),
        session.readAccess === 'open' ? 'everybody who reaches this address' : 'after login only',
      ),
      h(
        'li',
        null,
        h('strong', null, 'Acting on this page: '),
        'with the admin password',
        session.actionsPerMinute ? `, ${plural(session.actionsPerMinute, 'action')} a minute for each address` : '',
        session.address ? `; yours is ${session.address}` : '',
      ),
      h('li', null, h('strong', null, 'Acting from scripts: '), 'with a bearer token'),
      h('li', null, h('strong', null, 'Acting on the server: '), 'root and the group batchd-admin, with batchctl'),
    ),
    session.offered ? h('div', { class: 'row' }, sessionButton('button')) : null,
  );
}

export function sessionButton(kind) {
  return session.mayAct
    ? h('button', { class: kind, type: 'button', onclick: () => session.logOut().catch(complain) }, 'Log out')
    : h('button', { class: kind, type: 'button', onclick: () => askForLogin() }, 'Log in');
}
