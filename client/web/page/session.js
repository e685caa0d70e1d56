// Who looks: may this browser act, and the login dialog that stands between a click and an action when it may not.
import { ApiError, get, send, setToken } from './api.js';
import { openDialog } from './dialog.js';
import { h, setText } from './dom.js';
import { explain } from './errors.js';

const NO_PASSWORD =
  'No admin password is set here, so nobody can act on this page: batch-web(8) says how to set one. On the server, batchctl acts.';

class Session extends EventTarget {
  user = null;
  mayRead = true;
  mayAct = false;
  readAccess = 'open';
  offered = true; // whether a password is set, with which somebody could log in
  streams = true; // Stream=no: the page polls
  actionsPerMinute = null; // that one address may take
  address = null; // of this browser, as the server sees it
  token = null; // against requests that another site makes this browser send

  async load() {
    this.#take(await get('session'));
  }

  async logIn(password) {
    this.#take(await send('POST', 'session', { password }));
  }

  async logOut() {
    this.#take(await send('DELETE', 'session'));
  }

  #take(answer) {
    this.user = answer.user ?? null;
    this.mayAct = Boolean(answer.may_act);
    this.mayRead = answer.may_read !== false;
    this.readAccess = answer.read_access ?? 'open';
    this.offered = Boolean(answer.login_possible);
    this.streams = answer.stream !== false;
    this.actionsPerMinute = answer.actions_per_minute ?? null;
    this.address = answer.address ?? null;
    this.token = answer.csrf_token ?? null;
    setToken(this.token);
    this.dispatchEvent(new Event('change'));
  }

  /** The session has ended on the server. */
  forget() {
    this.mayAct = false;
    this.mayRead = this.readAccess === 'open';
    this.dispatchEvent(new Event('change'));
  }
}

export const session = new Session();

/** Asks for the password. Resolves to whether somebody is logged in. */
export function askForLogin(why) {
  const password = h('input', { type: 'password', id: 'password', autocomplete: 'current-password', required: true });
  const problem = h('p', { class: 'field-error', role: 'alert' });
  const submit = h('button', { class: 'button primary', type: 'submit' }, 'Log in');
  return openDialog('Log in', (close) =>
    h(
      'form',
      {
        class: 'stack',
        onsubmit: async (event) => {
          event.preventDefault();
          submit.disabled = true;
          try {
            await session.logIn(password.value);
            close(true);
          } catch (error) {
            const { message, advice } = explain(error);
            setText(problem, error.kind === 'rate_limited' ? `${message} ${advice}` : message);
            password.select();
          }
          submit.disabled = false;
        },
      },
      why ? h('p', { class: 'muted' }, why) : null,
      h('label', { for: 'password' }, 'Admin password'),
      password,
      problem,
      h('div', { class: 'row end' }, h('button', { class: 'button', type: 'button', onclick: () => close(false) }, 'Not now'), submit),
    ),
  );
}

/**
 * Does what needs the login: asks for the password first where nobody is logged in, and again when the session has ended meanwhile.
 * Resolves to undefined when the password was not given.
 */
export async function acting(action) {
  for (let again = false; ; again = true) {
    if (!session.mayAct && !session.offered) throw new ApiError(403, 'not_permitted', NO_PASSWORD);
    if (!session.mayAct && !(await askForLogin('Starting, cancelling and changing things needs the admin password.'))) return undefined;
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof ApiError) || again || !(await changed(error))) throw error;
    }
  }
}

/** Whether what we knew of the session was no longer so: it has ended, or another tab has logged in anew. */
async function changed(error) {
  if (error.status === 401) {
    session.forget();
    return true;
  }
  if (error.status !== 403) return false;
  const before = session.token;
  await session.load();
  return session.token !== before;
}
