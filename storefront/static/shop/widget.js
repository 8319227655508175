/* Regulars offers: fills every [data-regulars-offers] and [data-regulars-slot] of a shop's page with what this visitor may like.
   Cards live in a shadow root, so the shop's styles and ours never meet; CSS variables and ::part theme them.
   What the page has in the place itself stays where there is nothing to offer; otherwise the place folds up, where nobody
   sees it. It also fetches forms.js when the shop has forms to show, and reviews.js where a page has a place for them. See docs/shops.md. */
(() => {
  const doc = document, tag = doc.currentScript || doc.querySelector('script[src*="/shop/widget.js"]');
  if (!tag || window.regularsOffers) return;
  const address = new URL('../../offers', tag.src), places = window.regularsOffers = new WeakMap();
  const wait = (...call) => { (wait.q ||= []).push(call); };
  window.regulars ||= wait;
  const tracker = (...call) => window.regulars(...call); // tracker.js takes its place

  const sheet = new CSSStyleSheet(); // a strict style-src allows it, unlike a style element
  sheet.replaceSync(`
    :host { display: block; color: var(--regulars-color, inherit);
      background: var(--regulars-background, transparent); font: var(--regulars-font, inherit);
      --veil: color-mix(in srgb, currentColor 9%, transparent); --space: var(--regulars-gap, 16px); }
    :host([data-theme]) { color: var(--regulars-color, light-dark(#1d2129, #eceef2));
      background: var(--regulars-background, light-dark(#fff, #16181d)); color-scheme: light dark; }
    :host([data-theme=light]) { color-scheme: light; }
    :host([data-theme=dark]) { color-scheme: dark; }
    * { box-sizing: border-box; margin: 0; }
    h2 { font-size: 1.25em; line-height: 1.4; padding-bottom: .6em; }
    ul { display: grid; gap: var(--space); padding: 0; list-style: none; grid-template-columns:
      repeat(auto-fill, minmax(max(min(var(--regulars-card-width, 160px), 50% - var(--space)),
        100% / var(--most) - var(--space)), 1fr)); }
    .card { display: flex; flex-direction: column; height: 100%; overflow: hidden; color: inherit;
      text-decoration: none; border-radius: var(--regulars-radius, 10px);
      border: 1px solid var(--regulars-border, color-mix(in srgb, currentColor 18%, transparent)); }
    a:hover { border-color: currentColor; box-shadow: 0 4px 14px #0002; }
    a:focus-visible { outline: 3px solid var(--regulars-accent, #2f6fed); outline-offset: 2px; }
    .image { aspect-ratio: var(--regulars-image-ratio, 1); background: var(--veil); display: grid;
      place-items: center; font-size: 2.5em; overflow: hidden; }
    img { width: 100%; height: 100%; object-fit: cover; }
    .text { display: flex; flex-direction: column; gap: .25em; padding: .75em; line-height: 1.4; }
    .name, .reason { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden;
      min-height: 2.8em; overflow-wrap: anywhere; }
    .name { font-weight: 600; }
    .reason { -webkit-line-clamp: 3; min-height: 4.2em; font-size: max(12px, .85em); opacity: .85; }
    .bundle { padding-top: .8em; font-weight: 600; }
    .line { display: flex; flex-wrap: wrap; gap: 0 .75em; height: 1.4em; overflow: hidden; white-space: nowrap; }
    .price { color: var(--regulars-accent, inherit); }
    .stars { font-variant-numeric: tabular-nums; }
    [aria-busy=true] .text > * { background: var(--veil); border-radius: 4px; }
    @media (prefers-reduced-motion: no-preference) {
      [aria-busy=true] li { animation: breathe 1.4s infinite alternate; } }
    @keyframes breathe { to { opacity: .5; } }`);

  const LABELS = { en: 'Recommended for you', zh: '为您推荐', de: 'Für Sie empfohlen', fr: 'Recommandé pour vous',
    es: 'Recomendado para ti', it: 'Consigliati per te', nl: 'Aanbevolen voor jou', pt: 'Recomendado para você',
    pl: 'Polecane dla Ciebie', sv: 'Rekommenderas för dig', da: 'Anbefalet til dig', tr: 'Sizin için önerilenler',
    ja: 'あなたへのおすすめ', ko: '추천 상품', ar: 'موصى به لك', he: 'מומלץ עבורך', fa: 'پیشنهاد برای شما' };
  const JUDGED = { en: '{stars} of 5, {reviews} reviews', zh: '{stars} 分（满分 5 分），{reviews} 条评价', de: '{stars} von 5, {reviews} Bewertungen',
    fr: '{stars} sur 5, {reviews} avis', es: '{stars} de 5, {reviews} opiniones', it: '{stars} su 5, {reviews} recensioni',
    nl: '{stars} van 5, {reviews} beoordelingen', pt: '{stars} de 5, {reviews} avaliações', pl: '{stars} na 5, opinie: {reviews}',
    sv: '{stars} av 5, {reviews} omdömen', da: '{stars} af 5, {reviews} anmeldelser', tr: '5 üzerinden {stars}, {reviews} değerlendirme',
    ja: '5点中{stars}点、レビュー{reviews}件', ko: '5점 만점에 {stars}점, 리뷰 {reviews}개', ar: '{stars} من 5، {reviews} تقييمات',
    he: '{stars} מתוך 5, {reviews} ביקורות', fa: '{stars} از 5، {reviews} نظر' };
  const make = (name, part, ...inside) => {
    const node = doc.createElement(name);
    node.className = part;
    node.setAttribute('part', part);
    node.append(...inside);
    return node;
  };
  const free = (...inside) => Object.assign(make(...inside), { dir: 'auto' }); // written by somebody, in any direction
  const web = value => { // an address that is not of the web is no address
    try {
      const { href, protocol } = new URL(value || 'no:', doc.baseURI);
      return /^https?:$/.test(protocol) && href;
    } catch { return false; }
  };
  const language = host => host.closest('[lang]')?.lang || navigator.language;
  const money = (host, { price, currency }) => {
    const digits = String(price).replace(/0+$/, '').split('.')[1]?.length; // a screw may cost 0.004
    try {
      return new Intl.NumberFormat(language(host),
        { style: 'currency', currency, maximumFractionDigits: digits > 2 ? digits : undefined }).format(price);
    } catch { return `${price} ${currency}`; }
  };

  const stars = (host, { stars, reviews }) => { // beside the price, so that a card is as high with them as without
    if (!(stars > 0 && reviews > 0)) return [];
    const tongue = language(host), write = (n, digits = 0) => new Intl.NumberFormat(tongue, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(n);
    const said = { stars: write(stars, 1), reviews: write(reviews) };
    const node = make('span', 'stars', `★ ${said.stars} (${said.reviews})`);
    node.role = 'img';
    node.ariaLabel = (JUDGED[tongue.slice(0, 2).toLowerCase()] || JUDGED.en).replace(/{(\w+)}/g, (_, name) => said[name]);
    return [node];
  };

  const card = (host, item) => {
    const letter = () => image.replaceChildren([...item.name][0] || '');
    const image = make('span', 'image'), url = web(item.image_url);
    image.ariaHidden = true;
    letter();
    if (url) image.replaceChildren(Object.assign(new Image(), { loading: 'lazy', alt: '', onerror: letter, src: url }));
    const link = make('a', 'card', image, make('span', 'text', free('span', 'name', item.name),
      make('span', 'line', make('span', 'price', money(host, item)), ...stars(host, item)), free('span', 'reason', item.reason?.text || '')));
    link.href = web(item.url);
    link.onclick = link.onauxclick = e => e.button < 2 && tracker('offer_clicked', { offer: item.offer });
    link.offer = item.offer;
    return make('li', 'item', link);
  };
  const bone = () => make('li', 'item', make('span', 'card', make('span', 'image'),
    make('span', 'text', make('span', 'name'), make('span', 'line'), make('span', 'reason'))));

  const eyes = new IntersectionObserver(entries => entries.forEach(({ isIntersecting, target }) => {
    if (!isIntersecting) return;
    eyes.unobserve(target);
    tracker('offer_seen', { offer: target.offer });
  }), { threshold: 0.5 });

  const draw = (host, state, ...inside) => {
    host.shadowRoot.replaceChildren(...inside);
    host.style.minHeight = '';
    host.dataset.regularsState = state;
  };
  const fill = (host, state, items, bundle) => {
    const { title } = host.dataset, list = make('ul', 'list', ...items);
    const box = make('div', 'offers', ...title ? [free('h2', 'title', title)] : [], list,
      ...bundle ? [free('p', 'bundle', bundle.text, ' – ', money(host, { price: bundle.sum, currency: bundle.currency }))] : []);
    box.role = 'group';
    box.ariaLabel = title || LABELS[language(host).slice(0, 2).toLowerCase()] || LABELS.en;
    list.style.setProperty('--most', Math.max(host.dataset.limit || 4, 3)); // columns, at most
    box.ariaBusy = list.ariaHidden = state === 'loading';
    list.role = 'list'; // Safari forgets it where there are no bullets
    draw(host, state, box);
    list.querySelectorAll('a').forEach(link => eyes.observe(link));
  };
  const own = host => host.textContent.trim() || host.firstElementChild; // what the shop put there itself

  // A place in view that turns out empty keeps its space until it is out of view: nothing under the reader's eyes jumps.
  const unseen = new IntersectionObserver(entries => entries.forEach(({ isIntersecting, target }) => {
    if (isIntersecting) return;
    unseen.unobserve(target);
    if (target.dataset.regularsState === 'held') draw(target, 'empty');
  }));
  const fold = host => {
    const { top, bottom, height } = host.getBoundingClientRect();
    if (own(host)) draw(host, 'empty', doc.createElement('slot'));
    else if (height && top < innerHeight && bottom > 0) {
      draw(host, 'held');
      host.style.minHeight = `${height}px`;
      unseen.observe(host);
    } else draw(host, 'empty');
  };

  let viewed = '', sought = '';
  const wanted = ({ dataset: { regularsOffers: slot, regularsSlot: own, product, bought, query, cart } }) => ({
    slot: own || slot || 'home', product: product || (own || slot === 'product' ? viewed : ''), cart, bought,
    query: query || (own || slot === 'search' ? sought : '') }); // where a shop's own place stands is known over there
  const key = host => JSON.stringify(wanted(host));
  const load = host => {
    const { dataset } = host, turn = {};
    places.set(host, { key: key(host), turn });
    tracker('visitor', (visitor, site) => {
      const url = new URL(address), query = { site_key: tag.dataset.siteKey || site, visitor,
        ...wanted(host), limit: dataset.limit, lang: language(host) };
      Object.entries(query).forEach(([name, value]) => value && url.searchParams.set(name, value));
      fetch(url, { credentials: 'omit' }).then(answer => answer.json()).then(({ items, bundle }) => {
        if (places.get(host).turn !== turn) return; // a later question is on its way
        const cards = items.filter(item => web(item.url)).map(item => card(host, item));
        if (cards[0]) fill(host, 'ready', cards, bundle);
        else fold(host);
      }).catch(() => dataset.regularsState === 'loading' && fold(host));
    });
  };
  const near = new IntersectionObserver(entries => entries.forEach(({ isIntersecting, target }) => {
    if (!isIntersecting) return;
    near.unobserve(target);
    load(target);
  }), { rootMargin: '600px' }); // before the reader is there
  const judged = () => doc.querySelector('[data-regulars-reviews]') && (judged.begun ||= 1) && tracker('visitor', (visitor, site) =>
    import(new URL('reviews.js', tag.src)).then(it => it.begin({ base: tag.src, key: tag.dataset.siteKey || site })).catch(() => {}));
  const hosts = () => doc.querySelectorAll('[data-regulars-offers], [data-regulars-slot]');
  const again = host => places.get(host)?.turn && load(host);
  const find = () => (judged.begun || judged(), hosts().forEach(host => {
    if (!places.has(host)) {
      places.set(host, {});
      host.attachShadow({ mode: 'open' }).adoptedStyleSheets = [sheet];
      if (own(host)) draw(host, 'loading', doc.createElement('slot'));
      else fill(host, 'loading', Array.from({ length: Math.min(host.dataset.limit || 4, 24) }, bone));
      near.observe(host);
    } else if (places.get(host).key !== key(host)) again(host);
  }));

  let here = location.href.split('#')[0];
  addEventListener('regulars', ({ detail: { state, events } }) => {
    const last = type => events.filter(event => event.type === type).pop();
    const view = last('product_viewed'), search = last('search_submitted'), page = last('page_viewed');
    if (state === 'recorded' && page && page.url.split('#')[0] !== here) { // another page of an app of one page
      here = page.url.split('#')[0];
      viewed = sought = '';
      hosts().forEach(again);
    }
    if (search) sought = search.query;
    if (view) viewed = view.product;
    if (view || search) find(); // beside a product at once; elsewhere when the view has arrived, so that the answer knows of it
    if (view && state === 'sent') hosts().forEach(host => {
      if (wanted(host).product !== viewed && !host.matches(':hover, :focus-within')) again(host);
    });
  });

  const ask = () => tracker('visitor', (visitor, site) => {
    const base = new URL('../../forms', tag.src), key = tag.dataset.siteKey || site;
    base.searchParams.set('site_key', key);
    fetch(base, { credentials: 'omit' }).then(answer => answer.json()).then(told => {
      const places = () => doc.querySelector('[data-regulars-watch], [data-regulars-form]');
      const begin = () => (begin.done ||= import(new URL('forms.js', tag.src)).then(forms => forms.begin({ ...told, base, key, tracker })));
      if (told.forms[0] || places()) begin().catch(() => {});
      else new MutationObserver((seen, eyes) => places() && begin().then(() => eyes.disconnect(), () => {}))
        .observe(doc, { childList: true, subtree: true });
    }).catch(() => {});
  });
  (window.requestIdleCallback || setTimeout)(ask);
  new MutationObserver(find).observe(doc, { childList: true, subtree: true,
    attributeFilter: ['data-product', 'data-bought', 'data-query', 'data-cart', 'data-regulars-slot'] });
  find();
})();
