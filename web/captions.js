// What is said, as it is said: one entry for each turn of the caller, one for each answer, with what was cut off and how long it took.
import { say } from '/web/texts.js';

const MOST_ENTRIES = 400;

export class Captions {
  constructor(list, announcements) {
    this.list = list;
    this.announcements = announcements;
    this.entries = new Map();
    this.unasked = null;
  }

  /** Turns are counted anew in each call; what was said before stays. */
  startCall() {
    this.entries.clear();
  }

  /** Show one message of the call. */
  show(message) {
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 60;
    this[`show_${message.type}`]?.(message);
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  show_partial({ turn, text }) {
    const entry = this.of('you', turn);
    entry.words.textContent = text;
    entry.words.classList.add('partial');
  }

  show_heard({ turn, text }) {
    if (!text) {
      this.remove('you', turn);
      return;
    }
    const entry = this.of('you', turn);
    entry.words.textContent = text;
    entry.words.classList.remove('partial');
    this.announce(`${say('call.you')}: ${text}`);
  }

  show_ignored({ turn, reason }) {
    const entry = this.entries.get(`you ${turn}`);
    if (entry) this.note(entry, say(reason === 'backchannel' ? 'call.backchannel' : 'call.ignored'));
  }

  show_clause({ turn, text }) {
    const entry = this.of('parley', turn);
    entry.begun = `${entry.begun} ${text}`.trim();
    entry.words.textContent = entry.begun;
    this.unasked = turn;
  }

  show_interrupted({ turn, heard }) {
    this.cut(this.of('parley', turn), heard);
  }

  show_exchange({ turn, reply, unspoken, interrupted, spans }) {
    this.entries.get(`you ${turn}`)?.words.classList.remove('partial');
    if (!reply && !unspoken && !this.entries.has(`parley ${turn}`)) return;
    const entry = this.of('parley', turn);
    if (interrupted) this.cut(entry, reply);
    else this.finish(entry, reply, unspoken);
    this.latency(entry, spans);
  }

  show_announced({ text, heard, unspoken }) {
    const known = this.entries.get(`parley ${this.unasked}`);
    const entry = known && text.startsWith(known.begun) ? known : this.of('parley', `unasked ${this.list.childElementCount}`);
    if (heard && heard !== text) {
      entry.begun = text;
      this.cut(entry, heard);
    } else {
      this.finish(entry, heard, unspoken);
    }
  }

  // ---- entries

  of(who, turn) {
    const key = `${who} ${turn}`;
    return this.entries.get(key) ?? this.add(who, key);
  }

  add(who, key) {
    const item = document.createElement('li');
    item.className = who;
    const name = part(item, 'span', 'who', who === 'you' ? say('call.you') : 'Parley');
    if (who === 'you') name.dataset.text = 'call.you';
    const entry = { item, words: part(item, 'span', 'words', ''), begun: '' };
    this.entries.set(key, entry);
    this.list.append(item);
    if (this.list.childElementCount > MOST_ENTRIES) this.list.firstElementChild.remove();
    return entry;
  }

  remove(who, turn) {
    this.entries.get(`${who} ${turn}`)?.item.remove();
    this.entries.delete(`${who} ${turn}`);
  }

  finish(entry, reply, unspoken) {
    entry.words.textContent = [reply, unspoken].filter(Boolean).join(' ');
    if (unspoken) this.note(entry, say('call.unspoken'));
  }

  cut(entry, heard) {
    entry.words.textContent = heard;
    entry.item.querySelector('.cut')?.remove();
    const rest = entry.begun.startsWith(heard) ? entry.begun.slice(heard.length) : '';
    const cut = document.createElement('del');
    cut.className = 'cut';
    cut.textContent = rest;
    entry.words.after(cut);
    this.note(entry, say('call.interrupted'));
  }

  note(entry, text) {
    entry.note ??= part(entry.item, 'span', 'note', '');
    entry.note.textContent = text;
  }

  latency(entry, spans) {
    const total = Object.values(spans).reduce((sum, ms) => sum + ms, 0);
    if (!total || entry.item.querySelector('.latency')) return;
    const bar = part(entry.item, 'div', 'latency', '');
    bar.setAttribute('role', 'img');
    const shares = Object.entries(spans).filter(([, ms]) => ms > 0);
    bar.setAttribute('aria-label', shares.map(([name, ms]) => `${say(`span.${name}`)}: ${seconds(ms)}`).join(', '));
    bar.title = bar.getAttribute('aria-label');
    for (const [name, ms] of shares) part(bar, 'span', name, '').style.width = `${(100 * ms) / total}%`;
    part(entry.item, 'span', 'seconds', say('call.answered_after', { seconds: seconds(total) }));
  }

  announce(text) {
    const line = document.createElement('p');
    line.textContent = text;
    this.announcements.append(line);
    if (this.announcements.childElementCount > 5) this.announcements.firstElementChild.remove();
  }
}

function part(parent, tag, name, text) {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  parent.append(element);
  return element;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}
