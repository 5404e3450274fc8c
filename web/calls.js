// The page of the calls now: what goes on in each, as it goes on; say something, hang up.

import { Refused, ask, events, keepToken, token } from '/web/api.js';
import { language, offerLanguages, say, translate } from '/web/texts.js';

const SILENT_MS = 40_000; // Parley sends something every 15 s at least
const AGAIN_MS = [500, 1_000, 2_000, 5_000];
const SPANS = ['endpointing', 'hearing', 'thinking', 'speaking', 'floor'];

const find = (selector, root = document) => root.querySelector(selector);
const shown = new Map(); // call_id -> { call, element }
let state = 'calls.connecting';

/** Everything anew, in the language of now. */
function show() {
  translate();
  told(state);
  count();
  find('#legend').replaceChildren(...SPANS.map(explained));
  for (const { call, element } of shown.values()) {
    delete element.dataset.turns;
    fill(element, call);
  }
}

function count() {
  find('#count').textContent = shown.size === 1 ? say('calls.one') : say('calls.many', { count: shown.size });
  find('#nothing').hidden = shown.size > 0;
  find('#legend').hidden = shown.size === 0;
}

function explained(span) {
  const element = document.createElement('span');
  const dot = document.createElement('i');
  dot.className = span;
  element.append(dot, say(`span.${span}`));
  return element;
}

function told(key) {
  state = key;
  find('#connection').textContent = say(state);
}

// ---- one call

function take(call) {
  let known = shown.get(call.call_id);
  if (!known) {
    known = { element: make(call) };
    shown.set(call.call_id, known);
    find('#calls').append(known.element);
    announce(say('calls.began', { title: call.title }));
  }
  known.call = call;
  fill(known.element, call);
}

function drop(callId) {
  const known = shown.get(callId);
  if (!known) return;
  const hadFocus = known.element.contains(document.activeElement);
  known.element.remove();
  shown.delete(callId);
  announce(say('calls.ended', { title: known.call.title }));
  if (hadFocus) focusOn(find('#now'));
}

function focusOn(element) {
  element.tabIndex = -1;
  element.focus();
}

function make(call) {
  const element = find('#call').content.firstElementChild.cloneNode(true);
  translate(element);
  const id = `say-${call.call_id}`;
  find('.say input', element).id = id;
  find('.say label', element).htmlFor = id;
  find('.say', element).addEventListener('submit', (event) => {
    event.preventDefault();
    speak(call.call_id, element);
  });
  find('.hang-up', element).addEventListener('click', () => hangUp(call.call_id, element));
  return element;
}

function fill(element, call) {
  find('.title', element).textContent = call.title;
  find('.kind', element).textContent = say(`kind.${call.kind}`);
  const phase = find('.phase', element);
  phase.dataset.phase = call.phase ?? call.state;
  phase.textContent = say(`phase.${call.phase ?? call.state}`);
  find('.since', element).textContent = call.since ? say('calls.since', { time: timeOf(call.since) }) : '';
  find('.people', element).textContent = call.participants.length
    ? say('calls.with', { names: new Intl.ListFormat(language).format(call.participants) })
    : say('calls.with_nobody');
  const why = find('.why', element);
  why.hidden = !call.why;
  why.textContent = call.why ?? '';
  find('.turns-count', element).textContent = call.turns_count;
  find('.p50', element).textContent = milliseconds(call.latency_p50_ms);
  find('.p95', element).textContent = milliseconds(call.latency_p95_ms);
  fillCaption(find('.caption', element), call.caption);
  const turns = JSON.stringify(call.turns);
  if (element.dataset.turns !== turns) {
    element.dataset.turns = turns;
    find('.lines', element).replaceChildren(...call.turns.map(line));
  }
  find('.say label', element).textContent = say('calls.say_in', { title: call.title });
  find('.hang-up', element).setAttribute('aria-label', say('calls.hang_up_on', { title: call.title }));
  find('.speak', element).disabled = call.state !== 'joined';
}

function fillCaption(element, caption) {
  element.hidden = !caption;
  if (!caption) return;
  find('.who', element).textContent = caption.speaker;
  find('.what', element).textContent = caption.text || '…';
}

function line(turn) {
  const element = find('#line').content.firstElementChild.cloneNode(true);
  const heard = find('.heard', element);
  heard.hidden = !turn.speaker;
  find('.who', heard).textContent = turn.speaker;
  find('.what', heard).textContent = turn.heard || say('calls.unintelligible');
  find('.note', heard).textContent = turn.ignored ? say('calls.not_answered') : '';
  const reply = find('.reply', element);
  reply.hidden = turn.reply === null;
  find('.what', reply).textContent = turn.reply || say('calls.nothing_heard');
  find('.note', reply).textContent = turn.interrupted ? say('calls.interrupted') : '';
  if (turn.total_ms !== null) fillSpeed(find('.speed', element), turn);
  return element;
}

function fillSpeed(element, turn) {
  element.hidden = false;
  const spans = SPANS.filter((name) => name in turn.spans_ms);
  const shares = spans.map((name) => `${say(`span.${name}`)} ${milliseconds(turn.spans_ms[name])}`);
  find('.total', element).textContent = milliseconds(turn.total_ms);
  find('.shares', element).textContent = shares.join(', ');
  const bar = find('.latency', element);
  bar.title = shares.join('\n');
  bar.replaceChildren(
    ...spans.map((name) => {
      const part = document.createElement('span');
      part.className = name;
      part.style.flexGrow = turn.spans_ms[name];
      return part;
    }),
  );
}

function milliseconds(value) {
  return value === null || value === undefined ? '–' : `${Math.round(value).toLocaleString(language)} ms`;
}

function timeOf(epochSeconds) {
  return new Date(epochSeconds * 1000).toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit' });
}

function announce(text) {
  find('#announcer').textContent = text;
}

// ---- what one can do

async function speak(callId, element) {
  const input = find('.say input', element);
  const outcome = find('.outcome', element);
  const text = input.value.trim();
  if (!text) return;
  outcome.textContent = say('calls.saying');
  input.value = '';
  try {
    const answer = await ask(`/api/calls/${encodeURIComponent(callId)}/say`, { text });
    outcome.textContent = say(answer.spoken ? 'calls.said' : 'calls.not_said');
  } catch (error) {
    outcome.textContent = error.message;
    input.value ||= text;
  }
}

async function hangUp(callId, element) {
  const button = find('.hang-up', element);
  if (button.ariaDisabled === 'true') return;
  button.ariaDisabled = 'true'; // not disabled: that would take the keyboard's focus away
  try {
    await ask(`/api/calls/${encodeURIComponent(callId)}/hangup`, {});
  } catch (error) {
    button.ariaDisabled = 'false';
    find('.outcome', element).textContent = error.message;
  }
}

// ---- following the calls

async function follow() {
  for (let failures = 0; ; failures += 1) {
    try {
      await followOnce(() => (failures = 0));
    } catch (error) {
      if (error instanceof Refused && (error.status === 401 || error.status === 403)) return askForToken(error);
      if (error instanceof Refused) told('calls.refused');
    }
    told('calls.lost');
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)]));
  }
}

async function followOnce(connected) {
  const seen = new Set();
  for await (const [name, data] of events('/api/events', SILENT_MS)) {
    if (name === 'call') {
      seen.add(data.call_id);
      take(data);
    } else if (name === 'gone') {
      drop(data.call_id);
    } else if (name === 'ready') {
      for (const callId of [...shown.keys()].filter((known) => !seen.has(known))) drop(callId);
      find('#sign-in').hidden = true;
      find('#board').hidden = false;
      told('calls.live');
      connected();
    }
    if (name !== 'beat') count();
  }
}

function askForToken(error) {
  find('#board').hidden = true;
  find('#sign-in').hidden = false;
  told('calls.token_needed');
  const problem = find('#token-problem');
  problem.hidden = !token();
  problem.textContent = error.message;
  keepToken(null);
  find('#token').focus();
}

find('#sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  keepToken(find('#token').value.trim());
  find('#token').value = '';
  told('calls.connecting');
  follow();
});

offerLanguages(find('#language'), show);
show();
follow();
