// Behaviour shared by every page. Each custom element loads its library when first met.
import htmx from "htmx";

const root = document.documentElement;
const on = (type, selector, act) => document.addEventListener(type, (event) => {
  const hit = event.target.closest?.(selector);
  if (hit) act(hit, event);
});
const remember = (key, value) => { document.cookie = `${key}=${value};path=/;max-age=31536000;samesite=lax`; };
const word = (key) => document.getElementById("words")?.dataset[key] ?? "";

// -- Custom elements: the names with a dash in the import map; each is fetched when a page has one -----
const imports = JSON.parse(document.querySelector("script[type=importmap]").textContent).imports;
const elements = Object.keys(imports).filter((name) => name.includes("-"));
const summon = () => elements.forEach((name) => document.querySelector(name) && !customElements.get(name) && import(name));
summon();
document.addEventListener("htmx:after:swap", summon);
document.addEventListener("DOMContentLoaded", () => setTimeout(root.ready));

// -- Appearance --------------------------------------------------------------------------------------
const markTheme = () => document.querySelectorAll("[data-set-theme]").forEach((button) =>
  button.setAttribute("aria-pressed", button.dataset.setTheme === root.dataset.theme));
on("click", "[data-set-theme]", (button) => {
  root.dataset.theme = button.dataset.setTheme;
  remember("theme", button.dataset.setTheme);
  markTheme();
});
markTheme();
on("click", "[data-fold]", () => {
  const mini = root.dataset.nav !== "mini";
  root.dataset.nav = mini ? "mini" : "";
  remember("nav", mini ? "mini" : "full");
});
on("click", "[data-dense]", () => {
  const dense = root.dataset.rows !== "dense";
  root.dataset.rows = dense ? "dense" : "";
  remember("rows", dense ? "dense" : "roomy");
});

// -- Toasts: from the server's HX-Trigger "toast" event, from failed requests, and from the page -----
const bar = () => document.getElementById("toasts");
function say({ text, tone = "slate", undo = "" }) {
  const item = document.getElementById("toast-form").content.firstElementChild.cloneNode(true);
  item.classList.add(`tone-${tone}`);
  item.querySelector("span").textContent = text;
  const back = item.querySelector("[data-undo]");
  if (undo) { back.hidden = false; back.dataset.undo = undo; }
  bar().append(item);
  lift();
  expire(item);
}
// Dialogs live in the browser's top layer; a popover shown after them stays in sight.
const lift = () => { if (bar().childElementCount && document.querySelector("dialog[open]")) { bar().hidePopover(); bar().showPopover(); } else if (bar().childElementCount && !bar().matches(":popover-open")) bar().showPopover(); };
const expire = (item) => {
  let timer = setTimeout(() => item.remove(), 8000);
  item.addEventListener("mouseenter", () => clearTimeout(timer));
  item.addEventListener("mouseleave", () => { timer = setTimeout(() => item.remove(), 3000); });
};
document.addEventListener("toast", ({ detail }) => (detail.items ?? [detail]).forEach(say));
bar()?.querySelectorAll(".toast-item").forEach(expire);
if (bar()?.childElementCount) bar().showPopover();
on("click", "[data-dismiss]", (button) => button.closest(".toast-item").remove());
on("click", "[data-undo]", (button) => {
  htmx.ajax("POST", button.dataset.undo, { swap: "none", source: document.body }).then(() => location.reload());
});
// A refused or broken request leaves the page as it is and says so.
document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
  if (ctx.response.status === 422 || ctx.response.status === 409 && ctx.hx?.retarget) return;
  const answer = new DOMParser().parseFromString(ctx.text ?? "", "text/html").querySelector("[data-fault]");
  say({ text: answer?.textContent.trim() || word("failed"), tone: "red" });
});
document.addEventListener("htmx:error", ({ detail }) => detail?.ctx && say({ text: word("offline"), tone: "red" }));

// -- Menus, dialogs, copy ------------------------------------------------------------------------------
on("click", ".pop.menu a, .pop.menu button", (item) => item.closest("[popover]").hidePopover());
on("click", "[data-close]", (button) => button.closest("dialog")?.close());
// commandfor/command is newer than some browsers that matter; a few lines stand in for it.
if (!("commandForElement" in HTMLButtonElement.prototype))
  on("click", "[commandfor]", (button) => {
    const target = document.getElementById(button.getAttribute("commandfor"));
    ({ "show-modal": () => target.showModal(), close: () => target.close() })[button.getAttribute("command")]?.();
  });
on("click", "[data-copy]", async (button) => {
  const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : null;
  await navigator.clipboard.writeText(button.dataset.text ?? source?.value ?? source?.textContent ?? "");
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1600);
});
// Asking first: hx-confirm and data-confirm use the page's own dialog; data-type asks to type a number.
function ask(text, mustType = "") {
  const dialog = document.getElementById("confirm"), field = dialog.querySelector("input"), yes = dialog.querySelector("[value=yes]");
  dialog.querySelector("p").textContent = text;
  dialog.querySelector("label").hidden = !mustType;
  dialog.querySelector("label b").textContent = mustType;
  field.value = "";
  yes.disabled = Boolean(mustType);
  field.oninput = () => { yes.disabled = field.value.replace(/[,，\s]/g, "") !== mustType; };
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}
document.addEventListener("htmx:confirm", (event) => {
  event.preventDefault();
  const { ctx, issueRequest, dropRequest } = event.detail;
  ask(ctx.confirm, ctx.sourceElement?.dataset?.type).then((yes) => (yes ? issueRequest() : dropRequest()));
});
on("click", "[data-confirm]", (button, event) => {
  if (button.dataset.sure) return void delete button.dataset.sure;
  event.preventDefault();
  event.stopImmediatePropagation();
  ask(button.dataset.confirm, button.dataset.type).then((yes) => { if (yes) { button.dataset.sure = "1"; button.click(); } });
});
// A plain form is sent once: the second click of an impatient hand does nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 4000);
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// -- Choosing files by dropping them -------------------------------------------------------------------
on("dragover", ".drop", (zone, event) => { event.preventDefault(); zone.classList.add("over"); });
on("dragleave", ".drop", (zone) => zone.classList.remove("over"));
on("drop", ".drop", (zone, event) => {
  event.preventDefault();
  zone.classList.remove("over");
  const input = zone.querySelector("input[type=file]");
  input.files = event.dataTransfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
on("change", ".drop input[type=file]", (input) => {
  const name = input.closest(".drop").querySelector("[data-file-name]");
  if (name && input.files.length) name.textContent = [...input.files].map((file) => file.name).join("、");
});

// -- Lists that narrow while one types; selects that submit themselves ---------------------------------
const sift = (input) => {
  const words = input.value.trim().toLowerCase();
  for (const item of document.querySelectorAll(`${input.dataset.filterList} > *`)) item.hidden = !item.textContent.toLowerCase().includes(words);
};
on("input", "[data-filter-list]", sift);
on("click", "[data-choose-all]", ({ dataset }) => document.querySelectorAll(`${dataset.in} [type=radio][value="${dataset.chooseAll}"]`).forEach((each) => { each.checked = true; }));
on("change", "[data-submit]", (input) => input.form.requestSubmit());

// -- Tasks: opening the tray looks at once ---------------------------------------------------------------
document.getElementById("tasks")?.addEventListener("toggle", (event) => {
  if (event.newState === "open") htmx.trigger(event.target.querySelector("[hx-get]") ?? event.target, "look");
});

// -- A job the page shows has ended: the page is asked for anew, unless somebody is writing on it ------------
let written = false;
on("input", "form[method=post] *", () => { written = true; });
document.addEventListener("job-over", () => {
  const isSafe = !written && !document.querySelector("dialog[open], main[data-answers], main :is(input, select, textarea):focus");
  // The whole page, of which htmx takes the main part: a fragment would leave buttons and charts as they were.
  if (isSafe) htmx.ajax("GET", location.pathname + location.search, { target: "#main", select: "#main", swap: "outerHTML", headers: { "HX-Request": "false" } });
});

// -- A button pressed while an answer is under way: what it asked goes with the request that replaces it ---
document.addEventListener("htmx:config:request", ({ target, detail: { ctx } }) => {
  const form = target.closest?.("form[data-keeps-presses]");
  if (!form) return;
  const pressed = [...(form.pressed ?? []), ...ctx.request.body.getAll("op")];
  ctx.request.body.delete("op");
  pressed.forEach((op) => ctx.request.body.append("op", op));
  form.pressed = pressed;
});
document.addEventListener("htmx:before:response", ({ target }) => { const form = target.closest?.("form[data-keeps-presses]"); if (form) form.pressed = []; });

// -- Command palette -------------------------------------------------------------------------------------
const palette = document.getElementById("palette");
const choices = () => [...palette.querySelectorAll(".palette-body :is(a, button)")].filter((item) => !item.closest("[hidden]"));
palette?.addEventListener("keydown", (event) => {
  const list = choices(), at = list.indexOf(document.activeElement);
  if (event.key === "ArrowDown") list[Math.min(at + 1, list.length - 1)]?.focus();
  else if (event.key === "ArrowUp") (at > 0 ? list[at - 1] : palette.querySelector("input")).focus();
  else if (event.key === "Enter" && at < 0) list[0]?.click();
  else return;
  event.preventDefault();
});
palette?.addEventListener("close", () => {
  const input = palette.querySelector("input");
  input.value = "";
  sift(input);
  palette.querySelector("#palette-members")?.replaceChildren();
});
on("click", "#palette [data-act]", (button) => {
  palette.close();
  ({ theme: () => document.querySelector(`[data-set-theme="${root.dataset.bsTheme === "dark" ? "light" : "dark"}"]`)?.click(), keys: () => document.getElementById("keys").showModal() })[button.dataset.act]?.();
});

// -- Keyboard: Ctrl K, /, ?, G then a letter --------------------------------------------------------------
let jumping = 0;
const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");
addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && palette) {
    event.preventDefault();
    if (!palette.open) palette.showModal();
    return;
  }
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (Date.now() - jumping < 1200) {
    jumping = 0;
    const link = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (link) { event.preventDefault(); link.click(); }
  } else if (event.key.toLowerCase() === "g") jumping = Date.now();
  else if (event.key === "/") {
    const find = document.querySelector(".find input");
    if (find) { event.preventDefault(); find.focus(); find.select(); }
  } else if (event.key === "?") document.getElementById("keys")?.showModal();
  else {
    // A page's own acts: what is asked before a click is asked here too.
    const act = document.querySelector(`[data-hotkey="${CSS.escape(event.key.toLowerCase())}"]`);
    if (act) { event.preventDefault(); act.click(); }
  }
});

// -- Picking rows: header box, shift-click ranges, a bar that appears with the first pick -----------------
let last = null;
const picks = () => [...document.querySelectorAll("#results input[name=pick]")];
function showPicked() {
  const boxes = picks(), chosen = boxes.filter((box) => box.checked).length;
  const strip = document.querySelector(".bulk"), all = document.querySelector("[data-pick-all]");
  if (!strip) return;
  const everything = strip.querySelector("[name=everything]");
  strip.classList.toggle("open", chosen > 0);
  strip.querySelector("[data-picked]").textContent = everything?.checked ? Number(everything.dataset.total).toLocaleString("en") : chosen;
  if (all) { all.checked = chosen > 0 && chosen === boxes.length; all.indeterminate = chosen > 0 && chosen < boxes.length; }
  boxes.forEach((box) => box.closest("tr").classList.toggle("picked", box.checked));
}
on("click", "input[name=pick]", (box, event) => {
  const boxes = picks();
  if (event.shiftKey && last && boxes.includes(last)) {
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    boxes.slice(from, to + 1).forEach((each) => { each.checked = box.checked; });
  }
  last = box;
  if (!box.checked) document.querySelectorAll(".bulk [name=everything]").forEach((each) => { each.checked = false; });
  showPicked();
});
on("change", "[data-pick-all]", (all) => { picks().forEach((box) => { box.checked = all.checked; }); showPicked(); });
on("change", ".bulk [name=everything]", (all) => { if (all.checked) picks().forEach((box) => { box.checked = true; }); showPicked(); });
on("click", "[data-pick-none]", () => { document.querySelectorAll(".bulk [name=everything]").forEach((each) => { each.checked = false; }); picks().forEach((box) => { box.checked = false; }); showPicked(); });
document.addEventListener("htmx:after:swap", showPicked);
