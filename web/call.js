// The call page: buttons, status and captions around one CallConnection.
import { language, languageIsKept, offerLanguages, say, translate } from '/web/texts.js';
import { Captions } from '/web/captions.js';
import { CallConnection } from '/web/connection.js';
import { offerMicrophones, openMicrophone, showLevel } from '/web/microphone.js';

const SILENT_MS = 200;
const RETURN_WITHIN_MS = 60_000;
const KEPT = 'parley.call';

const PHASES = { connecting: 0, listening: 0, thinking: 0, speaking: 0, reconnecting: 0 };
/** What a screen reader says; of the other phases one hears for oneself. */
const TOLD = new Set(['connecting', 'reconnecting', 'ended']);

const element = (id) => document.getElementById(id);
const [call, mute, hangUp, problem, voice, text] = ['call', 'mute', 'hang-up', 'problem', 'voice', 'text'].map(element);
const captions = new Captions(element('captions'), element('announcements'));

/** A browser forgets an utterance that nobody holds, and its events with it. */
const spokenHere = new Set();

let connection = null;
let stream = null;
let stopLevel = () => {};
let status = 'ready';
let told = [];
let secret = secretOfAddress();

// ---- what is shown

function showStatus(name) {
  const words = say(name in PHASES ? `phase.${name}` : `call.${name}`);
  if (name !== status && (TOLD.has(name) || (TOLD.has(status) && name === 'listening'))) captions.announce(words);
  status = name;
  element('status').dataset.phase = name;
  element('status-text').textContent = words;
  element('parley-speaks').classList.toggle('speaking', name === 'speaking');
}

/** Texts that say what is wrong; each is [key, the text where the page has none of its own]. */
function showProblem(...texts) {
  told = texts;
  problem.hidden = texts.length === 0;
  problem.textContent = texts.map(([key, otherwise]) => worded(key, otherwise)).join(' ');
}

function worded(key, otherwise) {
  const said = say(key);
  return said === key ? (otherwise ?? '') : said;
}

function showButtons() {
  const inCall = connection !== null;
  call.hidden = inCall;
  mute.hidden = !inCall;
  hangUp.hidden = !inCall;
  mute.disabled = stream === null;
  text.disabled = element('send').disabled = !inCall;
  const muted = stream !== null && !stream.getAudioTracks()[0]?.enabled;
  mute.setAttribute('aria-pressed', String(muted));
}

// ---- the call

async function begin() {
  call.disabled = true;
  showProblem();
  showStatus('connecting');
  const trouble = await takeMicrophone(element('microphone').value);
  if (trouble) showProblem([trouble], ['call.problem.type_instead']);
  connection = new CallConnection(listener, { language: chosenLanguage(), stream, sessionId: earlierSession(), ...secret });
  secret = {};
  showButtons();
  connection.begin();
  call.disabled = false;
  (trouble ? text : mute).focus();
}

async function takeMicrophone(deviceId) {
  try {
    const opened = await openMicrophone(deviceId);
    releaseMicrophone();
    stream = opened;
  } catch (error) {
    return error.message;
  }
  stopLevel = showLevel(stream, element('level'));
  stream.getAudioTracks()[0].onended = () => showProblem(['call.problem.no_microphone'], ['call.problem.type_instead']);
  await offerMicrophones(element('microphone'), say('call.usual_microphone'));
  return null;
}

function releaseMicrophone() {
  stopLevel();
  stopLevel = () => {};
  for (const track of stream?.getTracks() ?? []) {
    track.onended = null;
    track.stop();
  }
  stream = null;
}

const listener = {
  state(name) {
    if (name === 'connecting' || name === 'reconnecting') showStatus(name);
    else if (name === 'connected' && status !== 'speaking' && status !== 'thinking') showStatus('listening');
  },
  message(message) {
    switch (message.type) {
      case 'clear':
        fallSilent();
        break;
      case 'connected':
        if (!message.again) captions.startCall();
        showStatus(message.phase);
        keepSession();
        break;
      case 'phase':
        showStatus(message.phase);
        break;
      case 'too_fast':
        showProblem(['call.problem.too_fast']);
        break;
      case 'trouble':
        showProblem([`call.trouble.${message.part}`]);
        break;
      default:
        showTurn(message);
    }
  },
  voice(remote) {
    voice.srcObject = remote;
    voice.play().catch(() => showProblem(['call.problem.sound_blocked']));
  },
  ended({ reason, key }) {
    if (key !== 'browser.lost') forgetSession();
    connection = null;
    releaseMicrophone();
    voice.srcObject = null;
    window.speechSynthesis?.cancel();
    showButtons();
    showStatus('ended');
    showProblem([`call.end.${key}`, reason]);
    call.focus();
  },
};

function showTurn(message) {
  element('nothing-yet').hidden = true;
  if (message.type === 'turn') element('you-speak').classList.add('speaking');
  if (message.type === 'heard' || message.type === 'ignored') element('you-speak').classList.remove('speaking');
  if (message.type === 'heard') window.speechSynthesis?.cancel();
  captions.show(message);
  if (message.unspoken && !message.again) speakHere(message);
}

/** What is still on its way from the network is not to be heard. */
function fallSilent() {
  voice.muted = true;
  setTimeout(() => {
    voice.muted = false;
  }, SILENT_MS);
}

/** Parley's own voice has failed: the browser's speaks, if it has one, and Parley is told how much of it was heard. */
function speakHere({ n, unspoken }) {
  if (!('speechSynthesis' in window)) return;
  const utterance = new SpeechSynthesisUtterance(unspoken);
  const inCall = connection;
  let begun = 0;
  const tell = (length) => {
    spokenHere.delete(utterance);
    if (inCall === connection) inCall?.spoken(n, [...unspoken.slice(0, length)].length);
  };
  utterance.lang = chosenLanguage() ?? '';
  utterance.onboundary = (event) => (begun = event.charIndex);
  utterance.onend = () => tell(unspoken.length);
  utterance.onerror = () => tell(begun);
  spokenHere.add(utterance);
  window.speechSynthesis.speak(utterance);
}

// ---- coming back after a reload

function keepSession() {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ id: connection.sessionId, at: Date.now() }));
  } catch {
    // a browser that keeps nothing: a reload begins a new call
  }
}

function forgetSession() {
  try {
    sessionStorage.removeItem(KEPT);
  } catch {
    // nothing was kept
  }
}

function earlierSession() {
  try {
    const { id, at } = JSON.parse(sessionStorage.getItem(KEPT));
    return Date.now() - at < RETURN_WITHIN_MS ? id : null;
  } catch {
    return null;
  }
}

/** Behind the # of the address stands an invitation, token=… or session=…: it is sent to nobody but Parley, and is gone from the address at once. */
function secretOfAddress() {
  const told = location.hash.slice(1);
  if (!told) return {};
  history.replaceState(null, '', location.pathname + location.search);
  const [kind, value] = told.includes('=') ? told.split('=', 2) : ['invite', told];
  return { [kind === 'session' ? 'sessionId' : kind]: value };
}

/** Without a choice of the visitor's, Parley speaks as its settings say. */
function chosenLanguage() {
  return element('language').dataset.chosen || languageIsKept() ? language : null;
}

// ---- the page

call.addEventListener('click', begin);
hangUp.addEventListener('click', () => connection?.hangUp());
mute.addEventListener('click', () => {
  const [track] = stream.getAudioTracks();
  track.enabled = !track.enabled;
  showButtons();
});
element('microphone').addEventListener('change', async (event) => {
  if (!connection) return;
  const trouble = await takeMicrophone(event.target.value);
  showProblem(...(trouble ? [[trouble]] : []));
  if (!trouble) await connection?.useMicrophone(stream);
  showButtons();
});
element('typing').addEventListener('submit', (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (!words || !connection) return;
  connection.type(words);
  text.value = '';
});
navigator.mediaDevices?.addEventListener?.('devicechange', () => offerMicrophones(element('microphone'), say('call.usual_microphone')));
window.addEventListener('online', () => connection?.networkBack());
setInterval(() => connection && keepSession(), 5_000);

offerLanguages(element('language'), () => {
  element('language').dataset.chosen = 'yes';
  showStatus(status);
  showProblem(...told);
});
translate();
showStatus(earlierSession() ? 'interrupted_call' : 'ready');
showButtons();
call.disabled = false;
await offerMicrophones(element('microphone'), say('call.usual_microphone'));
document.documentElement.dataset.ready = 'yes';
