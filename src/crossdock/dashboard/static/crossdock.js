// What pages do in the browser beyond htmx: the viewer's zone, light and dark, keys, and saying when the connection is lost.
"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const root = document.documentElement;
  const keep = (name, value) => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  };
  const kept = (name) => {
    const found = document.cookie.split("; ").find((each) => each.startsWith(`${name}=`));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
  };

  // ---- times: the server writes them in the zone of the cookie; before there is one, and where it is another, they are written here.

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const served = root.dataset.zone || "";
  const two = (n) => String(n).padStart(2, "0");
  const ago = (then, now) => {
    const seconds = Math.round((now - then) / 1000);
    const size = Math.abs(seconds);
    const words =
      size < 60 ? `${size} s` : size < 5400 ? `${Math.floor(size / 60)} min` : size < 172800 ? `${Math.floor(size / 3600)} h` : `${Math.floor(size / 86400)} d`;
    return seconds < 0 ? `in ${words}` : `${words} ago`;
  };
  const absolute = (then, short) => {
    const day = `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`;
    const time = `${two(then.getHours())}:${two(then.getMinutes())}`;
    return short === "day" ? day : short === "clock" ? `${time}:${two(then.getSeconds())}` : `${day} ${time}`;
  };
  const tellTimes = (within = document) => {
    const now = Date.now();
    for (const element of $$("time[datetime]", within)) {
      const then = new Date(element.getAttribute("datetime"));
      if (Number.isNaN(then.getTime())) continue;
      const form = element.dataset.as || "";
      const words = form === "ago" ? ago(then, now) : absolute(then, form);
      if (element.textContent !== words) element.textContent = words;
      if (form === "ago") element.title = absolute(then);
    }
  };
  if (kept("zone") !== zone) keep("zone", zone);
  if ($("#zone")) $("#zone").textContent = zone;
  if (served !== zone) tellTimes();
  setInterval(() => tellTimes(), 20000);

  // ---- light and dark

  const theme = () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    keep("theme", root.dataset.theme);
  };

  // ---- rows: j and k go from one to the next, Enter opens, x marks, a acts on what is marked

  let at = null;
  const rows = () => $$("[data-row]").filter((row) => row.offsetParent !== null);
  const select = (row) => {
    $$("[data-row][aria-selected]").forEach((each) => each.removeAttribute("aria-selected"));
    at = row;
    if (!row) return;
    row.setAttribute("aria-selected", "true");
    row.scrollIntoView({ block: "nearest" });
    const link = $("a[href]", row) || $("input, button", row);
    if (link) link.focus({ preventScroll: true });
  };
  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const place = at && at.isConnected ? all.indexOf(at) : -1;
    select(all[Math.max(0, Math.min(all.length - 1, place < 0 ? 0 : place + by))]);
  };

  const rail = (open) => {
    const element = $("#rail");
    if (!element) return;
    const now = open ?? !element.hasAttribute("data-open");
    element.toggleAttribute("data-open", now);
    $('[data-act="rail"]').setAttribute("aria-expanded", String(now));
  };
  const help = () => {
    const dialog = $("#help");
    if (dialog) dialog.open ? dialog.close() : dialog.showModal();
  };
  const closeFound = () => {
    const found = $("#found");
    if (found) found.replaceChildren();
  };

  let awaited = 0;
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, select, textarea");
    if (event.key === "Escape") {
      closeFound();
      rail(false);
      if (field) field.blur();
      return;
    }
    if (field && field.id === "search" && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const first = $("#found a");
      if (first && event.key === "ArrowDown") {
        first.focus();
        event.preventDefault();
      }
      return;
    }
    const found = event.target.closest("#found a");
    if (found && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const all = $$("#found a");
      const next = all[all.indexOf(found) + (event.key === "ArrowDown" ? 1 : -1)];
      (next || $("#search")).focus();
      event.preventDefault();
      return;
    }
    const typing = field && !["checkbox", "radio"].includes(field.type);
    if (typing || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]:not(#help)")) return;
    if (Date.now() - awaited < 1500) {
      awaited = 0;
      const link = $(`.rail-list a[data-key="${CSS.escape(event.key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    const acts = {
      "/": () => $("#search")?.select(),
      "?": help,
      j: () => step(1),
      k: () => step(-1),
      d: theme,
      g: () => (awaited = Date.now()),
      x: () => at && $('input[type="checkbox"]', at)?.click(),
      a: () => $("[data-key-act]")?.click(),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  document.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]")?.dataset.act;
    if (act === "theme") theme();
    if (act === "help") help();
    if (act === "rail") rail();
    if (act === "close") event.target.closest("dialog")?.close();
    if (act === "open") document.getElementById(event.target.closest("[data-act]").dataset.dialog)?.showModal();
    if (act === "all") {
      const box = event.target.closest("[data-act]");
      $$(`input[type="checkbox"][name="${CSS.escape(box.dataset.of)}"]`).forEach((each) => (each.checked = box.checked));
    }
    if (!event.target.closest(".search")) closeFound();
    if (!event.target.closest(".rail, .rail-toggle")) rail(false);
    for (const menu of $$("details.who[open]")) if (!menu.contains(event.target)) menu.removeAttribute("open");
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("select[data-submit], input[data-submit]")) event.target.form.requestSubmit();
  });
  document.addEventListener("submit", (event) => {
    for (const button of $$('button[type="submit"]', event.target)) setTimeout(() => (button.disabled = !event.target.hasAttribute("hx-post")), 0);
  });
  addEventListener("pageshow", () => $$("button[disabled]:not([data-off])").forEach((button) => (button.disabled = false)));

  // ---- htmx: the token of the session goes with every request; failures are said, not swallowed

  const toast = (words) => {
    const element = $("#toast");
    if (!element) return;
    element.textContent = words;
    element.hidden = false;
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => (element.hidden = true), 6000);
  };
  const live = (state, words) => {
    const element = $("#live");
    if (!element) return;
    element.hidden = false;
    element.dataset.state = state;
    if (element.textContent !== words) element.textContent = words;
  };
  document.addEventListener("htmx:configRequest", (event) => {
    const token = $('meta[name="csrf"]');
    if (token) event.detail.headers["X-CSRF-Token"] = token.content;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  });
  document.addEventListener("htmx:responseError", (event) => toast(`That did not work (${event.detail.xhr.status}). Nothing was changed.`));
  document.addEventListener("htmx:sendError", () => toast("The server cannot be reached. What you see may be old."));
  document.addEventListener("htmx:afterSwap", (event) => {
    if (served !== zone) tellTimes(event.target);
  });
  document.addEventListener("htmx:sseOpen", () => live("live", "Live"));
  document.addEventListener("htmx:sseError", () => live("lost", "Connection lost, trying again"));
  document.addEventListener("htmx:sseMessage", () => live("live", "Live"));
})();
