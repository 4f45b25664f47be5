// Records visits to a site for its member pool. No dependencies, no inline code, no cookies; under a strict CSP it needs
// script-src and connect-src for its own origin and nothing else.
//
//   <script src="https://scrm.example/c/track.js" data-site="KEY" data-consent="asked" async></script>
//
//   scrm("consent", true)                     the visitor agrees (false: forgets everything)
//   scrm("event", "add_to_cart", { sku })     anything worth knowing
//   scrm("identify", { kind, value, at, signature })   signed by the site's server, see the site's page
//   scrm("visitor", (id) => …)                the id that has to be signed; null without consent
//   scrm("reset")                             after signing out: a new visitor
(() => {
  const me = document.currentScript;
  const site = me?.dataset.site;
  if (!site || window.scrm?.loaded) return;
  const base = `${new URL(me.src).origin}/c/${site}`;
  const asks = me.dataset.consent !== "given";
  const searchKeys = (me.dataset.search || "q,query,keyword,keywords,search,wd,s").split(",");
  const CAMPAIGN = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"];

  // -- What is kept in the browser: consent, the visitor, what has not been sent --------------------
  const keep = (name, value) => { try { value === null ? localStorage.removeItem(`scrm.${name}`) : localStorage.setItem(`scrm.${name}`, value); } catch { /* storage is off: this page only */ } };
  const kept = (name) => { try { return localStorage.getItem(`scrm.${name}`); } catch { return null; } };
  const random = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const refuses = navigator.globalPrivacyControl === true || navigator.doNotTrack === "1";
  let agreed = kept("consent") === "1" || (!asks && !refuses && kept("consent") !== "0");
  let memory = null;
  const visitor = () => {
    if (!agreed) return null;
    memory ??= kept("visitor") ?? random();
    keep("visitor", memory);
    return memory;
  };
  const forget = () => { memory = null; queue = []; ["visitor", "queue", "campaign"].forEach((name) => keep(name, null)); };

  // -- Sending: together, soon, and once more on the next page when it failed -----------------------
  // A batch keeps its visitor: what failed to leave before somebody signed out is not the next person's.
  let queue = [];
  let timer = 0;
  const unsent = () => { try { return JSON.parse(kept("queue") ?? "[]"); } catch { return []; } };
  const store = (batches) => keep("queue", batches.length ? JSON.stringify(batches.slice(-8)) : null);
  const packed = (batch) => JSON.stringify({ ...batch, consent: agreed, sent_at: new Date().toISOString() });
  const later = () => { timer ||= setTimeout(flush, 2000); };
  function send(batch, leaving) {
    const failed = () => store([...unsent(), batch]);
    if (leaving) return navigator.sendBeacon(`${base}/events`, packed(batch)) || failed();
    fetch(`${base}/events`, { method: "POST", body: packed(batch), keepalive: true, credentials: "omit" })
      // Refused for good (4xx): sending it again would not help.
      .then((answer) => { if (answer.status >= 500 || answer.status === 429) throw new Error(answer.status); })
      .catch(failed);
  }
  function flush(leaving = false) {
    clearTimeout(timer);
    timer = 0;
    while (agreed && queue.length) send({ visitor: visitor(), events: queue.splice(0, 50) }, leaving === true);
  }
  function record(kind, properties = {}) {
    if (!agreed) return;
    const told = Object.entries(properties).filter(([, value]) => value !== "" && value !== undefined && value !== null)
      .map(([key, value]) => [key, typeof value === "string" ? value.slice(0, 500) : typeof value === "object" ? JSON.stringify(value).slice(0, 500) : value]);
    queue.push({ id: random(), kind, at: new Date().toISOString(), properties: Object.fromEntries(told.slice(0, 20)) });
    queue.length >= 20 ? flush() : later();
  }

  // -- What a page tells by itself -------------------------------------------------------------------
  const campaign = () => {
    const found = new URLSearchParams(location.search);
    const now = Object.fromEntries(CAMPAIGN.filter((key) => found.get(key)).map((key) => [key, found.get(key)]));
    if (Object.keys(now).length) keep("campaign", JSON.stringify(now));
    try { return Object.keys(now).length ? now : JSON.parse(kept("campaign") ?? "{}"); } catch { return {}; }
  };
  // The query may hold anything, a telephone number too: only search words and campaign marks leave the page.
  const plain = (address) => { try { const url = new URL(address, location.href); return url.origin === location.origin ? url.pathname : url.origin + url.pathname; } catch { return ""; } };
  let shown = "";
  let visibleSince = 0;
  let stayed = 0;
  function view() {
    if (!agreed || shown === location.href) return;
    leave();
    shown = location.href;
    stayed = 0;
    visibleSince = document.visibilityState === "visible" ? performance.now() : 0;
    const query = new URLSearchParams(location.search);
    const words = searchKeys.map((key) => query.get(key)).find(Boolean);
    record("view", { path: location.pathname, title: document.title, referrer: document.referrer && plain(document.referrer), ...campaign() });
    if (words) record("search", { words, path: location.pathname });
  }
  function pause() {
    if (visibleSince) stayed += performance.now() - visibleSince;
    visibleSince = 0;
  }
  function leave() {
    pause();
    const seconds = Math.round(stayed / 1000);
    stayed = 0;
    if (shown && seconds > 0) record("stay", { path: plain(shown), seconds });
  }
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") { leave(); flush(true); } else visibleSince = performance.now();
  });
  addEventListener("pagehide", () => { leave(); flush(true); });
  document.addEventListener("click", (event) => {
    const hit = event.target.closest?.("[data-track], a[href], button");
    if (!hit || !agreed) return;
    const { track } = hit.dataset;
    record("click", { name: track, text: (hit.innerText || hit.getAttribute("aria-label") || "").trim().slice(0, 80), href: hit.href && plain(hit.href), path: location.pathname });
  }, { capture: true, passive: true });
  // Pages that change without loading.
  for (const name of ["pushState", "replaceState"]) {
    const original = history[name];
    history[name] = function changed(...args) { const result = original.apply(this, args); setTimeout(view); return result; };
  }
  addEventListener("popstate", () => setTimeout(view));

  // -- What the page asks for ----------------------------------------------------------------------
  const acts = {
    event: (kind, properties) => record(kind, properties),
    consent: (yes) => {
      agreed = Boolean(yes);
      keep("consent", agreed ? "1" : "0");
      agreed ? view() : (shown = "", forget());
    },
    visitor: (tell) => tell(visitor()),
    identify: (proof) => {
      if (!agreed) return;
      flush();
      fetch(`${base}/identify`, { method: "POST", body: JSON.stringify({ visitor: visitor(), ...proof }), keepalive: true, credentials: "omit" }).catch(() => {});
    },
    reset: () => { flush(); memory = random(); if (agreed) keep("visitor", memory); },
  };
  const waiting = window.scrm?.q ?? [];
  window.scrm = (act, ...args) => acts[act]?.(...args);
  window.scrm.loaded = true;
  const missed = agreed ? unsent() : [];
  store([]);
  missed.forEach((batch) => send(batch));
  waiting.forEach((args) => window.scrm(...args));
  view();
  dispatchEvent(new CustomEvent("scrm:ready"));
})();
