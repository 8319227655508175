/* Regulars forms: sign-up forms in the page, fly-outs, banners and pop-ups, and buttons that tell when a product is back.
   widget.js fetches it where a shop has any. Before the visitor agreed to statistics nothing is stored but what they
   themselves closed or sent, so that it does not come again. See docs/shops.md. */
const doc = document, nav = navigator, root = doc.documentElement;
const safe = f => (...a) => { try { return f(...a); } catch {} };
const read = safe((key, store = localStorage) => JSON.parse(store.getItem(key)));
const write = safe((key, v, store = localStorage) => store.setItem(key, JSON.stringify(v)));
const KEPT = 'rgl_forms', SESSION = 'rgl_forms_now', DAY = 864e5;

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  :host { --a: var(--regulars-accent, #1d4ed8); --g: var(--regulars-form-background, light-dark(#fff, #1c1f26));
    --i: var(--regulars-form-color, light-dark(#1d2129, #eceef2)); --r: var(--regulars-radius, 10px);
    color-scheme: light dark; font: var(--regulars-font, 16px/1.5 system-ui, sans-serif); }
  :host([data-theme=light]) { color-scheme: light; } :host([data-theme=dark]) { color-scheme: dark; }
  * { box-sizing: border-box; }
  .box { position: relative; color: var(--i); background: var(--g); border-radius: var(--r); padding: 1.5em; max-width: 30em;
    inline-size: 100%; overflow-wrap: anywhere; text-align: start; }
  .embed { border: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
  dialog { border: 0; margin: auto; max-height: calc(100dvh - 2em);
    box-shadow: 0 12px 48px #0006; overflow: auto; }
  .popup { inline-size: min(30em, calc(100vw - 2em)); } dialog::backdrop { background: #0008; }
  .flyout, .banner { position: fixed; z-index: 2147483000; box-shadow: 0 8px 32px #0005; overflow: auto; max-height: calc(100dvh - 2em); }
  .flyout { inset-block-end: 1em; inset-inline-end: 1em; inline-size: min(22em, calc(100vw - 2em)); }
  .flyout.left { inset-inline: 1em auto; }
  .banner { inset-inline: 0; inset-block-end: 0; max-width: none; border-radius: 0; padding: 1em 3.5em 1em 1.5em; }
  .banner.top { inset-block: 0 auto; }
  .banner form { display: flex; flex-wrap: wrap; gap: .5em 1em; align-items: end; }
  h2 { font-size: 1.3em; line-height: 1.3; margin: 0 2em .35em 0; } .banner h2 { font-size: 1.05em; }
  p { margin: 0 0 .75em; white-space: pre-line; }
  .picture { display: block; inline-size: 100%; max-block-size: 14em; object-fit: cover; border-radius: calc(var(--r) / 2); margin-block-end: 1em; }
  .banner .picture, .trap { display: none; }
  .field { display: block; margin-block-end: .75em; } .banner .field { margin: 0; flex: 1 1 12em; }
  .field > span { display: block; font-size: .9em; margin-block-end: .2em; }
  input, select, button { font: inherit; color: inherit; }
  input:not([type=checkbox]), select { inline-size: 100%; min-block-size: 44px; padding: .4em .7em; background: transparent;
    border: 1px solid color-mix(in srgb, currentColor 55%, transparent); border-radius: calc(var(--r) / 2); }
  select option { color: #111; background: #fff; }
  .tick { display: flex; gap: .6em; align-items: start; margin-block-end: .75em; font-size: .9em; }
  .tick input { inline-size: 1.25em; block-size: 1.25em; flex: none; margin: .1em 0 0; accent-color: var(--a); }
  .main { min-block-size: 44px; padding: .4em 1.2em; border: 0; border-radius: calc(var(--r) / 2); font-weight: 600; cursor: pointer;
    background: var(--a); color: var(--on, var(--regulars-on-accent, #fff)); }
  .main[disabled] { opacity: .6; }
  .shut { position: absolute; inset-block-start: .4em; inset-inline-end: .4em; inline-size: 44px; block-size: 44px; border: 0;
    background: none; font-size: 1.4em; line-height: 1; cursor: pointer; border-radius: 50%; }
  :focus-visible { outline: 3px solid var(--i); outline-offset: 2px; }
  .wrong { color: light-dark(#b42318, #ff9b90); font-size: .9em; margin: .25em 0 0; }
  .code { display: inline-block; padding: .4em .9em; border: 2px dashed; font-weight: 700; letter-spacing: .05em; user-select: all; }
  @media (prefers-reduced-motion: no-preference) {
    .flyout, .banner, dialog { animation: come .25s ease-out; } @keyframes come { from { opacity: 0; transform: translateY(12px); } } }`);

let told, tracker, site, visitor = '', shownNow = 0, lastNow = 0, cart = 0, deepest = 0, open;
const began = performance.now(), states = new WeakMap(), armed = new Map();

const agreed = () => (read('rgl_consent') || (doc.querySelector('script[data-consent=granted]') ? { analytics: true } : {})).analytics === true;
const mayKeep = () => agreed() && !nav.globalPrivacyControl; // more than what they closed or sent themselves
const kept = () => read(KEPT) || {};
const session = () => mayKeep() && read(SESSION, sessionStorage) || {};
const remember = (id, what) => write(KEPT, { ...kept(), [id]: { ...kept()[id], [what]: Date.now() } });

const pageLanguage = (node = root) => node.closest?.('[lang]')?.lang || nav.language || 'en';
const wordsOf = (form, node) => {
  const wanted = pageLanguage(node), short = wanted.split('-')[0];
  const language = [wanted, short].find(one => form.words[one]) || Object.keys(form.words).find(one => one.split('-')[0] === short) || Object.keys(form.words)[0];
  return { ...form.words[language], language };
};
const make = (name, attributes = {}, ...inside) => {
  const node = doc.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) node[key] = value;
    else if (value !== undefined && value !== false) node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...inside);
  return node;
};
const post = (path, body) => fetch(new URL(path, told.base), {
  method: 'POST', credentials: 'omit', keepalive: true, body: JSON.stringify({ site_key: told.key, ...body }),
}).then(async answer => ({ status: answer.status, ...await answer.json().catch(() => ({})) }));
const count = (form, what) => {
  if (!agreed()) return;
  const met = what === 'shown' && form.arm && !kept()[form.id]?.[form.arm] ? form.arm : undefined;
  if (met) remember(form.id, met);
  post('forms/told', { form: form.id, what, arm: met }).catch(() => {});
};

/* Ink on the accent: whichever of black and white is read better. */
const inkOn = colour => {
  const [r, g, b] = [1, 3, 5].map(at => (parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? '#000' : '#fff';
};
const dress = (host, { accent, ground, ink, radius }) => {
  const set = (name, value) => value !== undefined && value !== null && value !== '' && host.style.setProperty(name, value);
  set('--regulars-accent', accent);
  if (accent) set('--on', inkOn(accent));
  set('--regulars-form-background', ground);
  set('--regulars-form-color', ink);
  if (radius !== null && radius !== undefined) set('--regulars-radius', `${radius}px`);
};

let number = 0;
const input = (field, words, labels) => {
  const id = `f${++number}`, label = field.label || labels || words[field.name] || field.name;
  const common = { id, name: field.name, required: field.required, 'aria-required': field.required || undefined };
  if (field.type === 'yes_no') return make('label', { class: 'tick' }, make('input', { ...common, type: 'checkbox', value: '1' }), label);
  const control = field.type === 'choice'
    ? make('select', common, make('option', { value: '' }, '–'), ...field.choices.map(([value, text]) => make('option', { value }, text)))
    : make('input', { ...common, type: { email: 'email', tel: 'tel', date: 'date', number: 'text' }[field.type] || 'text',
      inputmode: field.type === 'number' && 'decimal', maxlength: 320,
      autocomplete: { email: 'email', phone: 'tel', first_name: 'given-name', last_name: 'family-name', birthday: 'bday' }[field.name] || 'off' });
  return make('label', { class: 'field', for: id }, make('span', {}, label, field.required ? ' *' : ''), control);
};
const wrong = (control, sentence) => {
  const place = control.closest('.field, .tick'), id = `${control.id}-wrong`;
  place.parentNode.querySelector(`#${id}`)?.remove();
  control.removeAttribute('aria-invalid');
  control.removeAttribute('aria-describedby');
  if (!sentence) return false;
  control.setAttribute('aria-invalid', 'true');
  control.setAttribute('aria-describedby', id);
  place.after(make('p', { class: 'wrong', id }, sentence));
  return true;
};
const checked = (form, words) => {
  const bad = [...form.elements].filter(control => control.name && control.type !== 'submit' && control.name !== 'website').filter(control => {
    const empty = control.type === 'checkbox' ? !control.checked : !control.value.trim();
    if (control.required && empty) return wrong(control, words.missing);
    if (control.type === 'email' && !empty && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(control.value.trim())) return wrong(control, words.bad_email);
    return wrong(control, '');
  });
  bad[0]?.focus();
  return !bad[0];
};

/* The inside of a form; `send` returns a promise of the answer. */
const body = (words, controls, trap, send, done) => {
  const since = performance.now();
  const status = make('p', { role: 'status', class: 'wrong' });
  const button = make('button', { class: 'main', type: 'submit' }, words.button);
  const form = make('form', { novalidate: true }, ...controls, trap, button, status);
  form.onsubmit = event => {
    event.preventDefault();
    if (!checked(form, words)) return;
    button.disabled = true;
    status.textContent = '';
    send(form, Math.round(performance.now() - since)).then(answer => {
      if (answer.status === 202) return done(answer);
      button.disabled = false;
      const email = form.elements.email;
      if (answer.error?.fields?.email && email) wrong(email, words.bad_email) && email.focus();
      else status.textContent = words.failed;
    }, () => {
      button.disabled = false;
      status.textContent = words.failed;
    });
  };
  return form;
};
const trap = () => make('label', { class: 'trap', 'aria-hidden': 'true' }, 'Website', make('input', { name: 'website', tabindex: '-1', autocomplete: 'off' }));

const thanks = (box, words, answer) => {
  const close = box.querySelector('.shut');
  const title = make('h2', { tabindex: '-1', id: box.getAttribute('aria-labelledby') || undefined }, answer.thanks || words.thanks);
  box.replaceChildren(...close ? [close] : [], title, ...answer.next ? [make('p', {}, answer.next)] : [],
    ...answer.coupon ? [make('p', {}, `${words.coupon}: `, make('span', { class: 'code' }, answer.coupon))] : []);
  title.focus();
  if (/^https?:/.test(answer.redirect || '')) location.assign(answer.redirect);
};

const fill = (form, box, words) => {
  const { look = {} } = form, id = `t${++number}`;
  let started;
  box.setAttribute('aria-labelledby', id);
  const consent = form.purposes.map(one => make('label', { class: 'tick' },
    make('input', { type: 'checkbox', name: `purpose:${one.key}`, id: `f${++number}`, required: one.required }),
    make('span', {}, one.words[words.language] || Object.values(one.words)[0] || '')));
  const controls = [...form.fields.map(field => input(field, words, field.labels?.[words.language] || Object.values(field.labels || {})[0] || words.question)), ...consent];
  const inside = body(words, controls, trap(), (node, took) => {
    const elements = [...node.elements], value = one => one.type === 'checkbox' ? (one.checked ? '1' : '') : one.value.trim();
    const ticked = form.purposes.filter(one => node.elements[`purpose:${one.key}`].checked);
    return post(`forms/${form.id}`, {
      language: words.language, took, url: location.href, version: form.version, arm: form.arm, counted: agreed(), website: node.elements.website.value,
      visitor: agreed() ? visitor : undefined, purposes: ticked.map(one => one.key),
      saw: Object.fromEntries(ticked.map(one => [one.key, one.words[words.language] || Object.values(one.words)[0]])),
      values: Object.fromEntries(elements.filter(one => form.fields.some(field => field.name === one.name)).map(one => [one.name, value(one)])),
    });
  }, answer => {
    remember(form.id, 'sent');
    thanks(box, words, answer);
    host(box)?.dispatchEvent(new CustomEvent('regulars-form', { bubbles: true, detail: { form: form.id, state: 'sent' } }));
  });
  inside.addEventListener('input', () => {
    if (!started) count(form, started = 'started');
  });
  box.replaceChildren(...look.picture ? [make('img', { class: 'picture', src: look.picture, alt: '' })] : [],
    make('h2', { id }, words.title || words.button), ...words.text ? [make('p', {}, words.text)] : [], inside);
};
const host = box => box.getRootNode().host;
const shade = (node, look) => {
  const shadow = node.shadowRoot || node.attachShadow({ mode: 'open' });
  shadow.adoptedStyleSheets = [sheet];
  node.dir = node.dir || getComputedStyle(root).direction;
  dress(node, look);
  return shadow;
};

const shut = form => {
  const { node, dialog, back } = open;
  open = undefined;
  dialog?.close();
  node.remove();
  if (back?.isConnected) back.focus();
  if (!kept()[form.id]?.sent) remember(form.id, 'closed');
};
const show = form => {
  armed.get(form.id)?.();
  armed.delete(form.id);
  if (open || !allowed(form)) return;
  const node = make('div', { 'data-regulars-shown': form.id }), words = wordsOf(form), look = form.look || {}, modal = form.kind === 'popup';
  const box = make(modal ? 'dialog' : 'section', { class: `box ${form.kind} ${look.side || ''}`, ...modal ? {} : { role: 'dialog' } });
  const back = doc.activeElement;
  shade(node, look).append(box);
  doc.body.append(node);
  fill(form, box, words);
  box.prepend(make('button', { class: 'shut', type: 'button', 'aria-label': words.close, onclick: () => shut(form) }, '×'));
  open = { node, form, dialog: modal && box, back: modal ? back : undefined };
  box.addEventListener('keydown', event => event.key === 'Escape' && (event.preventDefault(), shut(form)));
  if (modal) {
    box.addEventListener('cancel', event => (event.preventDefault(), shut(form)));
    box.addEventListener('click', event => event.target === box && box === event.composedPath()[0] && outside(box, event) && shut(form));
    box.showModal();
  }
  lastNow = Date.now();
  shownNow += 1;
  if (mayKeep()) {
    remember(form.id, 'shown');
    write(SESSION, { shown: (session().shown || 0) + 1, last: lastNow }, sessionStorage);
  }
  count(form, 'shown');
};
const outside = (box, { clientX: x, clientY: y }) => {
  const { left, right, top, bottom } = box.getBoundingClientRect();
  return x < left || x > right || y < top || y > bottom;
};

/* May a form be shown now? Rules first, then how often. */
const phone = () => matchMedia('(max-width: 640px), (hover: none) and (pointer: coarse)').matches;
const fits = ({ rules = {}, id }) => {
  const here = location.href, now = Date.now(), before = rules.until && Date.parse(rules.until);
  const pages = rules.pages || [], languages = rules.languages || [];
  return (!pages[0] || pages.some(({ is, value }) => is === 'equals' ? [here, location.pathname, here.split('#')[0]].includes(value) : here.includes(value)))
    && (!languages[0] || languages.some(one => pageLanguage().toLowerCase().startsWith(one.toLowerCase())))
    && (!rules.devices || rules.devices === 'all' || (rules.devices === 'phone') === phone())
    && (!rules.visitors || rules.visitors === 'all' || (rules.visitors === 'returning') === told.returning)
    && (!rules.known || rules.known === 'all' || (rules.known === 'known') === told.me.known)
    && (!rules.from || Date.parse(rules.from) <= now) && (!before || now < before + (rules.until.length < 11 ? DAY : 0))
    && !kept()[id]?.sent && !told.me.subscribed;
};
const allowed = form => {
  const { times = 'once', days = 7, session_most: most = 1, apart_seconds: apart = 60 } = form.limits || {};
  const mine = kept()[form.id] || {}, last = Math.max(mine.closed || 0, mine.shown || 0), now = Date.now();
  if (!fits(form) || (last && (times === 'once' || times === 'days' && now - last < days * DAY))) return false;
  const { shown = 0, last: other = 0 } = session();
  return Math.max(shown, shownNow) < most && now - Math.max(other, lastNow) >= apart * 1e3;
};
const share = () => (scrollY + innerHeight) / Math.max(root.scrollHeight, 1) * 100;
const arm = form => {
  if (form.kind === 'embed' || armed.has(form.id) || !fits(form)) return;
  const { seconds, scroll, exit, cart_over: over } = form.rules || {}, ends = [];
  const on = (target, name, f, options) => {
    target.addEventListener(name, f, options);
    ends.push(() => target.removeEventListener(name, f, options));
  };
  const go = () => allowed(form) && show(form);
  armed.set(form.id, () => ends.forEach(end => end()));
  const timed = seconds ?? (scroll || exit || over ? undefined : 0);
  if (timed !== undefined && timed !== null) {
    const timer = setTimeout(go, Math.max(0, timed * 1e3 - (performance.now() - told.page)));
    ends.push(() => clearTimeout(timer));
  }
  if (scroll) {
    const look = () => share() >= scroll && go();
    on(window, 'scroll', look, { passive: true });
  }
  if (exit) {
    on(root, 'mouseleave', event => event.clientY <= 0 && go());
    let at = scrollY, when = performance.now(), top = scrollY;
    on(window, 'scroll', () => { // on a phone: a quick way back up, after having read a little
      const now = performance.now();
      if (phone() && top > innerHeight && at - scrollY > 80 && (at - scrollY) / Math.max(now - when, 1) > 1) go();
      [at, when, top] = [scrollY, now, Math.max(top, scrollY)];
    }, { passive: true });
  }
  if (over) {
    const look = () => cart >= over && go();
    on(window, 'regulars-cart', look);
    look();
  }
};

const embed = () => doc.querySelectorAll('[data-regulars-form]').forEach(node => {
  const form = told.forms.find(one => one.id === node.dataset.regularsForm);
  if (!form || states.get(node) === form.id) return;
  states.set(node, form.id);
  const box = make('section', { class: 'box embed' });
  shade(node, form.look || {}).replaceChildren(box);
  fill(form, box, wordsOf(form, node));
  const eyes = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && (eyes.disconnect(), count(form, 'shown')), { threshold: 0.5 });
  eyes.observe(node);
});

/* A button beside a product: tell me when it is back, or costs less. */
const watch = () => doc.querySelectorAll('[data-regulars-watch]').forEach(node => {
  const { regularsWatch: kind, product = '', variant = '' } = node.dataset, key = [kind, product, variant].join();
  if (states.get(node) === key || !product || !told.watch?.[kind]) return;
  states.set(node, key);
  const words = wordsOf({ words: told.watch.words }, node), box = make('section', { class: 'box embed', 'aria-label': words[kind] });
  const send = (email, took, website) => post('watches', {
    kind, product, variant, email, took, website, language: words.language, url: location.href, visitor: agreed() ? visitor : undefined });
  const done = answer => thanks(box, words, { thanks: words.thanks, next: answer.state === 'waiting' ? '' : words.mailed });
  const ask = () => {
    const field = input({ name: 'email', type: 'email', required: true }, words);
    box.replaceChildren(body({ ...words, button: words[kind] }, [field], trap(),
      (form, took) => send(form.elements.email.value.trim(), took, form.elements.website.value), done));
    box.querySelector('input').focus();
  };
  const button = make('button', { class: 'main', type: 'button', onclick: () => {
    button.disabled = true;
    if (!told.me.known) ask();
    else send('').then(answer => answer.status === 202 ? done(answer) : ask(), ask);
  } }, words[kind]);
  box.append(button);
  shade(node, {}).replaceChildren(box);
});

const look = () => {
  embed();
  watch();
};
const arrive = () => {
  told.page = performance.now();
  armed.forEach(end => end());
  armed.clear();
  told.forms.forEach(arm);
};

export const begin = given => {
  ({ tracker } = given);
  told = { me: { known: false, subscribed: false }, returning: false, page: began, ...given };
  addEventListener('regulars', ({ detail: { state, events } }) => {
    if (state !== 'recorded') return;
    for (const event of events) {
      if (event.cart) {
        cart = event.cart.items.reduce((sum, one) => sum + one.quantity * one.price, 0);
        if (mayKeep()) write('rgl_cart', cart, sessionStorage);
        dispatchEvent(new Event('regulars-cart'));
      }
      if (event.type === 'page_viewed') arrive();
    }
  });
  return new Promise(go => tracker('visitor', go)).then(async own => {
    visitor = own;
    cart = mayKeep() && read('rgl_cart', sessionStorage) || 0;
    if (mayKeep()) { // seen on an earlier day, or in an earlier visit
      const { first = Date.now(), visit = 0 } = kept().me || {};
      told.returning = Date.now() - first > 18e5 || visit > 1;
      if (!read(SESSION, sessionStorage)) {
        write(SESSION, {}, sessionStorage);
        write(KEPT, { ...kept(), me: { first, visit: visit + 1 } });
        told.returning ||= visit > 0;
      }
    }
    if (agreed()) {
      const url = new URL('forms/me', told.base);
      url.searchParams.set('site_key', told.key);
      url.searchParams.set('visitor', visitor);
      told.me = await fetch(url, { credentials: 'omit' }).then(answer => answer.ok ? answer.json() : told.me, () => told.me);
      if (mayKeep()) told.forms = told.forms.map(form => ({ ...form, ...told.me.arms?.[form.id] })); // what is tried on them
    }
    look();
    told.forms.forEach(arm);
    new MutationObserver(look).observe(doc, { childList: true, subtree: true, attributeFilter: ['data-regulars-form', 'data-product', 'data-variant'] });
    window.regularsFormsReady = true;
  });
};

/* For the editor's preview: a form as it looks, without rules, and without being sent. */
export const preview = (form, node, base) => {
  told = { base, key: '', forms: [], me: {}, page: 0 };
  const words = wordsOf(form, node), box = make('section', { class: `box ${form.kind === 'embed' ? 'embed' : form.kind} ${form.look?.side || ''}` });
  shade(node, form.look || {}).replaceChildren(box);
  fill(form, box, words);
  if (form.kind !== 'embed') box.prepend(make('button', { class: 'shut', type: 'button', 'aria-label': words.close }, '×'));
  box.querySelector('form').onsubmit = event => event.preventDefault();
};
