// The words of the design, said to people: statuses, and why something ended as it did, with what to do about it.

export const STATUS_WORDS = {
  queued: 'queued',
  pending: 'pending',
  running: 'running',
  success: 'success',
  partial: 'partial',
  failed: 'failed',
  cancelled: 'cancelled',
  skipped: 'skipped',
};

/** reason: [what it means, what to do]. */
export const REASONS = {
  exit: ['The command ended with a status that means failure.', 'Its last lines say why. Retry when the cause is gone.'],
  signal: ['A signal ended the command: it crashed, or somebody killed it.', 'Look at its last lines; a crash repeats itself on retry.'],
  oom: [
    'The command needed more memory than it may have, and the kernel ended it.',
    'Raise MemoryMax= of the step, or make the work smaller.',
  ],
  timeout: [
    'It ran longer than it may.',
    'If it was healthy, raise TimeoutSec= of the step (RunTimeoutSec= of the job); if it hung, its last lines show where.',
  ],
  heartbeat: [
    'It gave no sign of life for longer than it may.',
    'Its last lines show where it stopped; HeartbeatSec= says how long it may be silent.',
  ],
  lost: [
    'The processes vanished without a result: a crash of the machine, or a kill of everything.',
    'Retry it: what was done is done again safely.',
  ],
  dependency: ['A step that it depends on did not succeed.', 'Look at that step, then retry from it.'],
  not_ready: ['Its input is not ready.', 'It goes on by itself when that is there: what it waits for is in the message.'],
  condition: [
    'Its condition said that there is nothing to do, or could not tell.',
    'Where it was skipped nothing needs to be done; where it failed, the last lines of the condition say why.',
  ],
  items: ['What ForEach= found is no list of items.', 'Its last lines say what it found; each line is to be one item.'],
  gate: [
    'A gate blocked it: the coverage of its input is too low.',
    'The figures are in the message. Bring in what is missing, then retry; or start it without that gate.',
  ],
  records: ['It processed fewer or more records than expected.', 'Compare with earlier runs; declare a legitimate zero with EXPECTED=0.'],
  breaker: [
    'It failed too often and is not tried for a while.',
    'Mend the cause; it is tried again by itself, or reset the breaker on the Settings tab.',
  ],
  spawn: [
    'The command could not be started.',
    'The message says what is missing: a program, a right, a folder. The job’s file names the command.',
  ],
  stopped: ['The service was stopped while it ran.', 'Retry it when the service is up again.'],
  replaced: ['A newer run of the job took its place.', 'Look at the newer run.'],
  request: ['Somebody cancelled it.', 'Start it again when it is wanted.'],
  paused: ['The job was paused.', 'Resume it on the Settings tab.'],
  overlap: ['An earlier run of the job was still going on.', 'Look whether that one hangs; Overlap= decides what happens.'],
  drained: ['The daemon was drained: nothing new starts.', 'batchctl drain --off takes it back.'],
  unavailable: ['The daemon could not record it.', 'The Overview’s health says what is down.'],
  refused: ['The start was refused.', 'The job’s file or its parameters are wrong; see the Scripts tab.'],
  daemon_down: ['The daemon was not running at that time.', 'Persistent= of the job decides whether it is caught up.'],
  clock_jump: ['The clock jumped over that time.', 'Start it by hand if it is wanted.'],
};

export const meaning = (reason) => REASONS[reason]?.[0] ?? '';
export const advice = (reason) => REASONS[reason]?.[1] ?? '';

export const TRIGGERS = ['manual', 'api', 'timer', 'schedule', 'ci', 'retry', 'backfill', 'catch_up', 'job'];
