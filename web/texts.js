// The texts of all pages, in the visitor's language. texts.json holds them: { "key": { "en": "…", "ca": "…", "es": "…", "ru": "…" } }.
// In pages: data-text="key" sets the text of an element, data-label="key" its aria-label, data-hint="key" its placeholder.

export const LANGUAGES = { en: 'English', ca: 'Català', es: 'Español', ru: 'Русский' };
const KEPT = 'parley.language';

const known = await (await fetch('/web/texts.json')).json();

function firstChoice() {
  const asked = new URLSearchParams(location.search).get('lang');
  const wishes = [asked, stored(), ...navigator.languages].filter(Boolean).map((wish) => wish.slice(0, 2).toLowerCase());
  return wishes.find((wish) => wish in LANGUAGES) ?? 'en';
}

function stored() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

export let language = firstChoice();

/** Whether the visitor has chosen the language, now or earlier. */
export const languageIsKept = () => stored() !== null;

/** The text of a key, with {name} replaced by fields.name. */
export function say(key, fields = {}) {
  const text = known[key]?.[language] ?? known[key]?.en ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in fields ? String(fields[name]) : whole));
}

/** Put the texts into a page, or a part of it. */
export function translate(root = document) {
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll('[data-text]')) element.textContent = say(element.dataset.text);
  for (const element of root.querySelectorAll('[data-label]')) element.setAttribute('aria-label', say(element.dataset.label));
  for (const element of root.querySelectorAll('[data-hint]')) element.setAttribute('placeholder', say(element.dataset.hint));
}

/** Fill a <select> with the languages; `changed` is called when another one was chosen. */
export function offerLanguages(select, changed) {
  for (const [code, name] of Object.entries(LANGUAGES)) {
    const option = new Option(name, code, code === language, code === language);
    option.lang = code;
    select.add(option);
  }
  select.addEventListener('change', () => {
    language = select.value;
    try {
      localStorage.setItem(KEPT, language);
    } catch {
      // a browser that keeps nothing: the choice holds for this page
    }
    translate();
    changed();
  });
}
