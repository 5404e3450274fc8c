// Talking to Parley: requests with the token of this tab, if there is one, and a stream of events.

const KEPT = 'parley.token';

/** What Parley refused; `message` says why in plain words, `status` and `code` are for programs. */
export class Refused extends Error {
  constructor(status, error) {
    super(error?.message ?? `${status}`);
    this.status = status;
    this.code = error?.code ?? '';
  }
}

export function token() {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** Keep the token while this tab is open; null forgets it. */
export function keepToken(value) {
  if (value === null) sessionStorage.removeItem(KEPT);
  else sessionStorage.setItem(KEPT, value);
}

/** Ask; returns the answer (JSON), or throws Refused. */
export async function ask(path, sent) {
  return (await open(path, sent)).json();
}

async function open(path, sent, signal) {
  const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
  if (sent !== undefined) headers['Content-Type'] = 'application/json';
  const answer = await fetch(path, {
    method: sent === undefined ? 'GET' : 'POST',
    headers,
    body: sent === undefined ? undefined : JSON.stringify(sent),
    signal,
  });
  if (!answer.ok) throw new Refused(answer.status, (await answer.json().catch(() => ({}))).error);
  return answer;
}

/** Events as they come: yields [name, data] until the connection ends, is aborted, or nothing has come for `silentMs`. */
export async function* events(path, silentMs) {
  const giveUp = new AbortController();
  const answer = await open(path, undefined, giveUp.signal);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const alarm = setTimeout(() => giveUp.abort(), silentMs);
    const { done, value } = await reader.read();
    clearTimeout(alarm);
    if (done) return;
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const name = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (name && data) yield [name, JSON.parse(data)];
    }
  }
}
