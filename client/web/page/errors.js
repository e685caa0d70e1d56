// What went wrong as plain text that can be copied: what happened, and what to do about it.

const ADVICE = {
  already_running: () => 'Wait until it has ended, cancel it, or start it with “Run beside it” on the Scripts tab.',
  paused: () => 'Resume the job on the Settings tab, or start it with “Start although paused” on the Scripts tab.',
  not_permitted: (data) => (data.group ? `Members of the group ${data.group} may.` : 'Log in with the admin password.'),
  away: () => 'The page tries again by itself. On the server: systemctl status batchd batch-web.',
  unavailable: () => 'Try again in a moment; the Overview’s health says what is down.',
  internal: () => 'The daemon’s log says more: journalctl -u batchd.',
};

/** {message, advice} of any error. */
export function explain(error) {
  const message = error?.message || String(error);
  return { message, advice: ADVICE[error?.kind]?.(error.data ?? {}) ?? '' };
}

export function asText(error) {
  const { message, advice } = explain(error);
  const facts = Object.entries(error?.data ?? {})
    .filter(([name, value]) => name !== 'kind' && name !== 'message' && typeof value !== 'object')
    .map(([name, value]) => `${name}: ${value}`);
  return [message, advice, error?.kind ? `kind: ${error.kind}` : '', ...facts].filter(Boolean).join('\n');
}
