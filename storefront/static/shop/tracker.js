/* Regulars tracker: tells the shop's CRM what a visitor looks at, once they agree (docs/shops.md).
   Calls wait in window.regulars.q until it is here; nothing may throw into the shop. */
(() => {
	const doc = document, nav = navigator, early = window.regulars || {};
	const tag = doc.currentScript || doc.querySelector('script[data-site-key]');
	if (!tag || early.live) return;
	const site = tag.dataset.siteKey, address = new URL('../../collect', tag.src);
	const CONSENT = 'rgl_consent', VISITOR = 'rgl_visitor', QUEUE = 'rgl_queue';

	const safe = f => (...a) => { try { return f(...a); } catch {} };
	const read = safe(key => JSON.parse(localStorage.getItem(key)));
	const write = safe((key, v) => v ? localStorage.setItem(key, JSON.stringify(v)) : localStorage.removeItem(key));
	const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map(b => (b + 256).toString(16).slice(1)).join('');
	const tell = (state, events) => dispatchEvent(new CustomEvent('regulars', { detail: { state, events } }));

	// Events with their visitor (v): in memory until consent, then in storage too until they are answered.
	let queue = [], flying = [], own = random(), failures = 0, referrer = doc.referrer, released, timer, seen;
	let choice = tag.dataset.consent === 'granted' && { analytics: true, marketing: true };
	const consent = () => read(CONSENT) || choice || {};

	const remember = id => {
		write(VISITOR, id);
		doc.cookie = `${VISITOR}=${id};path=/;samesite=lax;max-age=${id ? 34128e3 : 0}`;
	};
	const forget = () => {
		own = random();
		remember('');
	};
	const visitor = () => {
		if (consent().analytics) {
			remember(own = read(VISITOR) || /rgl_visitor=([\w-]{16,64})/.exec(doc.cookie)?.[1] || own);
		}
		return own;
	};

	const stored = () => [].concat(read(QUEUE)).filter(e => e?.v);
	const save = (done = []) => { // other tabs keep theirs in the same place
		const known = queue.map(e => e.id);
		queue = queue.filter(e => !done.includes(e));
		const all = stored().filter(e => !known.includes(e.id)).concat(queue).slice(-100);
		write(QUEUE, all[0] && all);
		if (done[0]) tell('sent', done);
	};
	const next = () => {
		const free = queue.filter(e => !flying.includes(e));
		return free.filter(e => e.v === free[0].v).slice(0, 20);
	};
	const pack = batch => JSON.stringify({
		site_key: site,
		visitor: batch[0].v,
		sent_at: new Date(), tracker: '1.0',
		consent: { analytics: true, marketing: consent().marketing && !nav.globalPrivacyControl && nav.doNotTrack != 1 },
		events: batch.map(({ v, ...event }) => event),
	});

	const plan = ms => { timer ||= setTimeout(send, ms); };
	const send = () => {
		timer = clearTimeout(timer);
		const batch = next();
		if (flying[0] || !batch[0] || !consent().analytics) return;
		const body = pack(flying = batch); // plain text: no preflight; keepalive: 64 kB
		fetch(address, { method: 'POST', body, credentials: 'omit', keepalive: body.length < 2e4 })
			.then(r => r.status, () => 500).then(status => {
				flying = [];
				failures = status > 499 || status === 429 ? failures + 1 : 0;
				if (!failures) save(batch);
				plan(failures ? 1e3 * 2 ** Math.min(failures, 8) * (1 + Math.random()) : 2e3);
			});
	};
	const leave = safe(() => {
		if (failures || !consent().analytics) return; // what is stored goes from the next page
		for (let b; (b = next())[0] && nav.sendBeacon?.(address, pack(b));) save(b);
		send();
	});

	const flow = safe(() => {
		const { analytics } = consent(), since = Date.now() - 18e5;
		if (!released) queue = queue.filter(e => Date.parse(e.at) > since);
		if (analytics === false) {
			queue = [];
			released = write(QUEUE);
			forget();
		}
		queue = queue.slice(-100);
		if (!analytics) return;
		if (!released) {
			const held = own, v = visitor();
			queue = stored().concat(queue.map(e => e.v === held ? { ...e, v } : e));
			released = true;
		}
		save();
		if (queue.length > 19 && !failures) send();
		else plan(2e3);
	});

	const record = (type, fields) => {
		const body = JSON.stringify({
			v: visitor(), id: random(), type, at: new Date(), url: location.href, referrer, title: doc.title, ...fields,
		}, (k, v) => v === +v && /^(id|product|price|external_id)$/.test(k) ? '' + +v.toFixed(6) : v);
		if (body.length > 8e3) return; // twenty of these stay under the collector's limit
		queue.push(JSON.parse(body));
		tell('recorded', queue.slice(-1));
		flow();
	};
	const page = () => {
		let token;
		const clean = location.href.replace(/([?&])rgl=([^&#]*)(&?)/, (_, a, t, b) => (token = t, b && a));
		if (token) {
			history.replaceState(history.state, '', clean);
			record('identified', { identity: { token } });
		}
		[seen] = clean.split('#');
		record('page_viewed');
	};
	const moved = () => {
		const [here] = location.href.split('#');
		if (here !== seen) run('page', referrer = seen);
	};

	const commands = {
		page,
		visitor: f => f(visitor(), site),
		product: ({ id, properties }) => record('product_viewed', { product: id, properties }),
		category: ({ id, properties }) => record('category_viewed', { category: id, properties }),
		search: ({ query }) => record('search_submitted', { query }),
		cart: cart => record('cart_updated', { cart }),
		checkout: cart => record('checkout_started', { cart }),
		identify: identity => record('identified', { identity }),
		consent: c => {
			const no = consent().analytics === false;
			write(CONSENT, choice = { analytics: !!c.analytics, marketing: !!c.marketing });
			flow();
			if (no && c.analytics) page(); // the no had dropped it
		},
		reset: () => leave() || forget(), // signed out: who comes next is somebody else
	};
	const run = window.regulars = safe((name, d) => (commands[name] || (() => name && record(name, /^offer_/.test(name) ? d : { properties: d })))(d));
	run.live = true;

	run('page');
	(early.q || []).forEach(call => run(...call));
	const push = history.pushState;
	history.pushState = function (...a) {
		push.apply(this, a);
		setTimeout(moved);
	};
	addEventListener('popstate', () => setTimeout(moved));
	addEventListener('pageshow', e => e.persisted && run('page'));
	addEventListener('pagehide', leave);
	addEventListener('storage', e => { // a tab that had not heard of ours may have written over it
		if (e.key === VISITOR || e.key === QUEUE && queue.some(q => !e.newValue?.includes(q.id))) flow();
	});
	doc.addEventListener('visibilitychange', () => doc.hidden && leave());
})();
