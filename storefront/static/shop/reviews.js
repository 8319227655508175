/* Regulars reviews: fills every [data-regulars-reviews] of a shop's page with what buyers say of the product. Fetched by widget.js
   where a page asks for it. It lives in a shadow root; CSS variables and ::part theme it. What people wrote is only ever
   text, never markup. See docs/shops.md. */
const doc = document, places = new WeakMap(), sheet = new CSSStyleSheet();
sheet.replaceSync(`
  :host { display: block; color: var(--regulars-color, inherit); font: var(--regulars-font, inherit);
    background: var(--regulars-background, transparent); --veil: color-mix(in srgb, currentColor 12%, transparent);
    --line: var(--regulars-border, color-mix(in srgb, currentColor 18%, transparent)); --star: var(--regulars-star, #b45309); }
  :host([data-theme]) { color: var(--regulars-color, light-dark(#1d2129, #eceef2)); color-scheme: light dark;
    background: var(--regulars-background, light-dark(#fff, #16181d)); --star: var(--regulars-star, light-dark(#b45309, #fbbf24)); }
  :host([data-theme=light]) { color-scheme: light; } :host([data-theme=dark]) { color-scheme: dark; }
  * { box-sizing: border-box; margin: 0; overflow-wrap: anywhere; }
  .reviews { min-height: 11em; line-height: 1.5; } h2 { font-size: 1.25em; padding-bottom: .5em; } h3 { font-size: 1em; }
  .head { display: flex; flex-wrap: wrap; gap: 1em 2.5em; align-items: center; padding-bottom: 1em; }
  .sum b { font-size: 2.5em; line-height: 1.2; display: block; }
  .stars { -webkit-text-fill-color: transparent; background: linear-gradient(90deg, var(--star) calc(var(--n) * 20%), var(--veil) 0);
    background-clip: text; -webkit-background-clip: text; letter-spacing: 0; white-space: nowrap; display: inline-block; }
  [dir=rtl] .stars { direction: ltr; }
  .bars { flex: 1 1 14em; max-width: 26em; } .bars button { display: grid; grid-template-columns: 2.5em 1fr 3em; gap: .5em; align-items: center;
    width: 100%; border: 0; padding: 0 .25em; min-height: 28px; text-align: start; }
  .bar { height: .6em; border-radius: 1em; background: linear-gradient(90deg, var(--star) var(--share), var(--veil) 0); }
  [dir=rtl] .bar { transform: scaleX(-1); } .bars [aria-pressed=true] { font-weight: 700; outline: 1px solid currentColor; border-radius: 4px; }
  button, select, input, textarea { font: inherit; color: inherit; background: transparent; border: 1px solid var(--line);
    border-radius: var(--regulars-radius, 8px); padding: .4em .8em; min-height: 44px; cursor: pointer; }
  .foot button { min-height: 32px; padding: .1em .6em; font-size: .875em; } option { color: #1d2129; background: #fff; }
  :focus-visible { outline: 3px solid var(--regulars-accent, #2f6fed); outline-offset: 2px; }
  ol { list-style: none; padding: 0; } li { padding: 1em 0; border-top: 1px solid var(--line); }
  .small { font-size: max(12px, .875em); opacity: .85; } .sign { border: 1px solid currentColor; border-radius: 1em; padding: 0 .6em; }
  .text { white-space: pre-line; padding: .25em 0; } img { display: block; width: 120px; height: 120px; object-fit: cover; border-radius: 8px; margin: .5em 0; }
  .answer { border-inline-start: 3px solid var(--line); padding: .25em .75em; margin: .5em 0; white-space: pre-line; }
  .foot { display: flex; gap: .5em; padding-top: .25em; } form { display: grid; gap: .75em; max-width: 34em; padding: .75em 0; }
  label { display: grid; gap: .25em; } textarea { min-height: 6em; } summary { cursor: pointer; min-height: 44px; padding: .6em 0; font-weight: 600; } .trap { display: none; }
`);

const make = (name, props = {}, ...inside) => {
  const node = Object.assign(doc.createElement(name), props);
  if (props.className) node.setAttribute('part', props.className);
  node.append(...inside.filter(one => one || one === 0));
  return node;
};
const fill = (words, values) => words.replace(/{(\w+)}/g, (_all, name) => values[name]);
const web = value => /^https?:\/\//.test(value || '') && value;
const reader = () => { // made by the first click that needs it, and told to nobody else
  try {
    return localStorage.rgl_reader ||= [...crypto.getRandomValues(new Uint8Array(16))].map(n => n.toString(16).padStart(2, '0')).join('');
  } catch { return ''; }
};

export const begin = ({ base, key }) => {
  const address = new URL('../../reviews', base);
  const language = host => host.closest('[lang]')?.lang || navigator.language;
  const send = (path, body) => fetch(address + path, { method: 'POST', credentials: 'omit',
    body: JSON.stringify({ site_key: key, ...body }) }).then(async answer => answer.ok ? answer.json() : Promise.reject(await answer.json()));
  const say = (host, words) => { host.shadowRoot.querySelector('[role=status]').textContent = words; };

  const stars = (number, words) => {
    const node = make('span', { className: 'stars', role: 'img', ariaLabel: fill(words.of, { stars: number }) }, '★★★★★');
    node.style.setProperty('--n', number);
    return node;
  };
  const date = (host, value) => {
    try { return new Intl.DateTimeFormat(language(host), { dateStyle: 'medium' }).format(new Date(value)); } catch { return value.slice(0, 10); }
  };
  const entry = (host, one, words) => {
    const helpful = make('button', { type: 'button', ariaPressed: 'false' });
    const count = many => { helpful.textContent = many ? `${words.helpful} (${many})` : words.helpful; };
    count(one.helpful);
    helpful.onclick = () => {
      const yes = helpful.ariaPressed !== 'true';
      send(`/${one.id}/helpful`, { visitor: reader(), yes }).then(told => { helpful.ariaPressed = `${yes}`; count(told.helpful); })
        .catch(() => say(host, words.failed));
    };
    const report = make('button', { type: 'button', textContent: words.report });
    report.onclick = () => send(`/${one.id}/report`, { visitor: reader() })
      .then(() => { report.disabled = true; say(host, words.reported); }).catch(() => say(host, words.failed));
    return make('li', { className: 'review' }, stars(one.stars, words), one.title && make('h3', { className: 'headline', dir: 'auto', textContent: one.title }),
      make('p', { className: 'small' }, make('bdi', { textContent: one.name || words.unnamed }), ` · ${date(host, one.written_at)}`,
        one.edited ? ` · ${words.edited}` : '', one.verified ? ' ' : '', one.verified && make('span', { className: 'sign', textContent: words.verified })),
      one.text && make('p', { className: 'text', dir: 'auto', lang: one.language, textContent: one.text }),
      web(one.photo) && make('img', { className: 'photo', src: one.photo, alt: words.photo, loading: 'lazy', width: 120, height: 120 }),
      one.answer && make('div', { className: 'answer', dir: 'auto' }, make('b', { textContent: words.answer }), `\n${one.answer}`),
      make('div', { className: 'foot' }, helpful, report));
  };

  const writing = (host, words) => {
    const began = Date.now(), field = (name, label, node) => make('label', {}, label, Object.assign(node, { name, required: name !== 'title' }));
    const choice = make('select', {}, make('option', { value: '', textContent: '–' }),
      ...[5, 4, 3, 2, 1].map(n => make('option', { value: n, textContent: `${'★'.repeat(n)} ${fill(words.of, { stars: n })}` })));
    const form = make('form', {}, field('stars', words.stars, choice), field('title', words.headline, make('input', { maxLength: 120 })),
      field('body', words.text, make('textarea', { maxLength: 5000 })), field('name', words.name, make('input', { maxLength: 60, autocomplete: 'nickname' })),
      field('email', words.email, make('input', { type: 'email', maxLength: 320, autocomplete: 'email' })),
      make('input', { className: 'trap', name: 'website', tabIndex: -1, autocomplete: 'off', ariaHidden: 'true' }), make('button', { textContent: words.send }));
    form.onsubmit = event => {
      event.preventDefault();
      const button = form.querySelector('button');
      button.disabled = true;
      send('', { ...Object.fromEntries(new FormData(form)), product: host.dataset.product, language: language(host), took: Date.now() - began })
        .then(() => { form.replaceWith(make('p', { textContent: words.thanks })); say(host, words.thanks); })
        .catch(told => { button.disabled = false; say(host, Object.values(told?.error?.fields || {}).flat()[0] || told?.error?.message || words.failed); });
    };
    return make('details', { className: 'write' }, make('summary', { textContent: words.write }), form);
  };

  const told = (host, asked, answer) => {
    const { summary, words } = answer, list = make('ol', { className: 'list' }), hidden = Object.values(summary.declined).reduce((a, b) => a + b, 0);
    const add = part => {
      list.append(...part.items.map(one => entry(host, one, words)));
      more.hidden = !part.next;
      more.onclick = () => load(host, { ...asked, cursor: part.next }).then(add).catch(() => say(host, words.failed));
    };
    const again = changes => load(host, { ...asked, cursor: '', ...changes }).then(found => draw(host, { ...asked, ...changes }, found)).catch(() => say(host, words.failed));
    const more = make('button', { type: 'button', className: 'more', textContent: words.more });
    const sort = make('select', { className: 'sort', ariaLabel: words.sort }, ...[['newest', words.newest], ['helpful', words.helpful_first],
      ['highest', words.highest], ['lowest', words.lowest]].map(([value, textContent]) => make('option', { value, textContent, selected: value === asked.sort })));
    sort.onchange = () => again({ sort: sort.value });
    const bars = [5, 4, 3, 2, 1].map(n => {
      const many = summary.stars[n], bar = make('span', { className: 'bar' });
      bar.style.setProperty('--share', `${summary.count ? many * 100 / summary.count : 0}%`);
      const row = make('button', { type: 'button', ariaPressed: `${asked.stars === n}`, title: fill(words.of, { stars: n }) }, make('span', {}, `${n} ★`), bar, make('span', {}, many));
      row.onclick = () => again({ stars: asked.stars === n ? '' : n });
      return row;
    });
    const count = summary.count === 1 ? words.one : fill(words.count, summary);
    const box = make('section', { className: 'reviews', ariaLabel: words.title }, make('h2', { className: 'title', textContent: host.dataset.title || words.title }),
      summary.count ? make('div', { className: 'head' }, make('div', { className: 'sum' }, make('b', { textContent: summary.average.toLocaleString(language(host), { minimumFractionDigits: 1, maximumFractionDigits: 1 }) }),
        stars(summary.average, words), make('p', { className: 'small', textContent: count })), make('div', { className: 'bars' }, ...bars), sort) : make('p', { className: 'none', textContent: words.none }),
      list, more, answer.write && writing(host, words),
      make('p', { className: 'small', textContent: words.checked }), hidden > 0 && make('p', { className: 'small', textContent: fill(words.not_shown, { count: hidden }) }),
      make('p', { className: 'small', role: 'status' }));
    add(answer);
    return box;
  };
  const draw = (host, asked, answer) => {
    host.shadowRoot.replaceChildren(told(host, asked, answer));
    host.dataset.regularsState = 'ready';
    host.shadowRoot.firstChild.dir = getComputedStyle(host).direction;
  };
  const load = (host, asked) => {
    const url = new URL(address);
    Object.entries({ site_key: key, product: host.dataset.product, lang: language(host).slice(0, 5), ...asked }).forEach(([name, value]) => value && url.searchParams.set(name, value));
    return fetch(url, { credentials: 'omit' }).then(answer => answer.ok ? answer.json() : Promise.reject(answer.status));
  };
  const linked = (host, words) => { // for search engines; a block of data, which no policy takes for a script
    if (!words || host.dataset.jsonLd === 'off') return;
    doc.querySelector('script[data-regulars-rating]')?.remove();
    const node = make('script', { type: 'application/ld+json', textContent: JSON.stringify(words) });
    node.dataset.regularsRating = '';
    doc.head.append(node);
  };
  const start = host => {
    const product = host.dataset.product, asked = { sort: 'newest', stars: '' };
    load(host, asked).then(answer => {
      if (host.dataset.product !== product) return;
      draw(host, asked, answer);
      linked(host, answer.json_ld);
    }).catch(() => { host.dataset.regularsState = 'empty'; });
  };
  const near = new IntersectionObserver(entries => entries.forEach(({ isIntersecting, target }) => {
    if (!isIntersecting) return;
    near.unobserve(target);
    start(target);
  }), { rootMargin: '600px' });
  const find = () => doc.querySelectorAll('[data-regulars-reviews]').forEach(host => {
    const { product } = host.dataset;
    if (!product || places.get(host) === product) return;
    if (!host.shadowRoot) {
      host.attachShadow({ mode: 'open' }).adoptedStyleSheets = [sheet];
      host.shadowRoot.append(make('div', { className: 'reviews', ariaBusy: 'true' }));
    }
    places.set(host, product);
    host.dataset.regularsState = 'loading';
    near.observe(host);
  });
  new MutationObserver(find).observe(doc, { childList: true, subtree: true, attributeFilter: ['data-product'] });
  find();
};
