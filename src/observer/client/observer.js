// The observer's script: live updates, keys, and times that stay true. Every page works without it.
// tools/gen_observer.ts makes a module of this file.
(() => {
  "use strict";
  const main = document.querySelector("main");
  document.documentElement.classList.add("scripted");

  // Times that stay true.
  const units = [[1e3, 1, "ms"], [6e4, 1e3, "s"], [36e5, 6e4, "m"], [1728e5, 36e5, "h"], [
    1 / 0,
    864e5,
    "d",
  ]];
  const span = (ms) => {
    const [, unit, name] = units.find(([most]) => ms < most);
    return Math.floor(ms / unit) + name;
  };
  const tellTimes = () => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const ms = Date.now() - Date.parse(time.dateTime);
      const text = ms >= 0 ? span(ms) + " ago" : "in " + span(-ms);
      if (time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(() => document.hidden || tellTimes(), 1000);

  // Live updates: a conditional request, more seldom while nothing changes, and none in a hidden tab.
  const status = document.querySelector("[data-status]");
  let every = Number(main?.dataset.live || 0) * 1000;
  let wait = every;
  let tag = null;
  let last = Date.now();
  let timer = 0;
  let isPaused = false;
  let isHeld = false;
  let failure = null;
  const tellStatus = () => {
    if (!status || !every) return;
    const ago = span(Date.now() - last);
    const text = failure
      ? `${failure} · last looked ${ago} ago`
      : isPaused
      ? "paused"
      : isHeld
      ? "held while something is chosen or selected"
      : `looked ${ago} ago`;
    status.hidden = false;
    if (!status.firstChild) {
      const words = document.createElement("span");
      words.setAttribute("aria-hidden", "true");
      const button = document.createElement("button");
      button.type = "button";
      button.addEventListener("click", () => {
        isPaused = !isPaused;
        isPaused ? clearTimeout(timer) : look();
        tellStatus();
      });
      status.append(words, button);
    }
    status.firstChild.textContent = text;
    status.lastChild.textContent = isPaused ? "resume" : "pause";
  };
  // While rows are chosen or text is selected, nothing moves.
  const isBusy = () =>
    document.querySelector("main tbody :checked, main select:focus") ||
    !getSelection().isCollapsed;
  // What is the same stays: so do the focus, what is open, what is typed, and how far it is scrolled.
  const keyOf = (node) =>
    node.nodeName === "TR"
      ? node.querySelector("th a")?.getAttribute("href")
      : node.getAttribute?.("id"); // a form's property `id` may be its field of that name
  const kept = { DETAILS: "open", TR: "data-here" };
  const mend = (node, fresh) => {
    if (node.nodeType !== 1) {
      if (node.data !== fresh.data) node.data = fresh.data;
      return;
    }
    for (const name of new Set([...node.getAttributeNames(), ...fresh.getAttributeNames()])) {
      const value = fresh.getAttribute(name);
      if (name === kept[node.nodeName] || value === node.getAttribute(name)) continue;
      value === null ? node.removeAttribute(name) : node.setAttribute(name, value);
    }
    mendChildren(node, fresh);
  };
  const mendChildren = (node, fresh) => {
    const known = new Map([...node.childNodes].map((child) => [keyOf(child), child]));
    const wanted = new Set([...fresh.childNodes].map(keyOf));
    let at = node.firstChild;
    for (const child of [...fresh.childNodes]) {
      const key = keyOf(child);
      while (at && keyOf(at) && !wanted.has(keyOf(at))) {
        const gone = at;
        at = at.nextSibling;
        gone.remove();
      }
      const same = key ? known.get(key) : at && !keyOf(at) ? at : null;
      if (same?.nodeName !== child.nodeName) {
        node.insertBefore(child, at);
        continue;
      }
      if (same === at) at = at.nextSibling;
      else node.insertBefore(same, at);
      mend(same, child);
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  };
  const scriptOf = (page) => page.querySelector("script[src]")?.getAttribute("src");
  const isTyping = () => document.querySelector("main :is(input, textarea):focus");
  const put = (text) => {
    const next = new DOMParser().parseFromString(text, "text/html");
    if (!next.querySelector("#main")) return false; // it is another page, such as a login
    isHeld = isBusy();
    // Another release answers: its pages want its own script. Two may answer in turns for a while.
    const isOther = scriptOf(next) !== scriptOf(document);
    if (isOther && !isHeld && !isTyping() && performance.now() > 3e4) location.reload();
    for (const part of isHeld ? [] : document.querySelectorAll("[data-part]")) {
      const fresh = next.querySelector(`[data-part="${part.dataset.part}"]`);
      if (fresh) mendChildren(part, fresh);
    }
    if (!row?.isConnected) row = null;
    const live = next.querySelector("main")?.dataset.live;
    every = Number(live || 0) * 1000;
    if (!every && status) status.hidden = true;
    tellTimes();
    document.dispatchEvent(new CustomEvent("continuum:shown"));
    return true;
  };
  const look = async () => {
    clearTimeout(timer);
    if (!every || isPaused || document.hidden) return;
    try {
      const headers = { accept: "text/html" };
      if (tag) headers["if-none-match"] = tag;
      // A redirect leads to a login: the page that is shown is where redirects have ended.
      const options = { headers, cache: "no-store", redirect: "manual" };
      const answer = await fetch(location.href, options);
      last = Date.now();
      failure = answer.ok || answer.status === 304
        ? null
        : answer.status >= 500
        ? "no answer"
        : answer.status === 404
        ? "not found"
        : "signed out";
      if (answer.ok) {
        const isFirst = !tag;
        if (!put(await answer.text())) failure = "signed out";
        else if (!isHeld) tag = answer.headers.get("etag");
        wait = isFirst ? wait : every;
      }
      if (answer.status !== 200) wait = Math.min(wait * 1.5, 30_000);
    } catch {
      failure = "no answer";
      wait = Math.min(wait * 1.5, 30_000);
    }
    tellStatus();
    if (every) timer = setTimeout(look, wait);
  };
  if (every) {
    timer = setTimeout(look, every);
    setInterval(tellStatus, 1000);
    document.addEventListener("visibilitychange", () => {
      wait = every;
      document.hidden ? clearTimeout(timer) : look();
    });
  }

  // The slider over events: the parts that it changes are replaced, the slider itself stays.
  let slid = 0;
  let slide = null;
  const slideTo = async (slider) => {
    const url = new URL(location.href);
    if (slider.value === slider.max) url.searchParams.delete("at");
    else url.searchParams.set("at", slider.value);
    slide?.abort();
    slide = new AbortController();
    const answer = await fetch(url, { headers: { accept: "text/html" }, signal: slide.signal });
    if (!answer.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    history.replaceState(null, "", url);
    every = 0;
    for (const part of document.querySelectorAll("[data-slides]")) {
      const fresh = next.querySelector(`[data-slides="${part.dataset.slides}"]`);
      if (fresh) mendChildren(part, fresh);
    }
    tellTimes();
  };
  addEventListener("input", ({ target }) => {
    if (!target.matches("[data-slider]")) return;
    clearTimeout(slid);
    slid = setTimeout(() => slideTo(target).catch(() => {}), 40);
  });

  // Rows by keys.
  let row = null;
  const rows = () => [...document.querySelectorAll("main .list tbody tr")];
  const mark = (index) => {
    const all = rows();
    row?.removeAttribute("data-here");
    row = all[Math.max(0, Math.min(all.length - 1, index))] ?? null;
    row?.setAttribute("data-here", "");
    row?.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    j: () => mark(rows().indexOf(row) + 1),
    k: () => mark(rows().indexOf(row) - 1),
    x: () => row?.querySelector("input[type=checkbox]")?.click(),
    o: () => row?.querySelector("th a, td a")?.click(),
    "/": () => document.querySelector("[data-search]")?.focus(),
    "[": () => document.querySelector("[data-back]")?.click(),
    "]": () => document.querySelector("[data-on]")?.click(),
    "?": () => document.querySelector("[data-help]")?.click(),
  };
  let isGoing = false;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.matches("input:not([type=range], [type=checkbox]), textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const goal = isGoing && document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    isGoing = event.key === "g";
    if (goal) goal.click();
    else if (Object.hasOwn(keys, event.key)) keys[event.key]();
    else return;
    event.preventDefault();
  });

  // All rows of a page at once.
  addEventListener("change", ({ target }) => {
    if (!target.matches("[data-all]")) return;
    for (const box of target.form.querySelectorAll("tbody input[type=checkbox]")) {
      box.checked = target.checked;
    }
  });

  // A menu closes when its user goes elsewhere.
  const closeMenus = (left) => {
    for (const menu of document.querySelectorAll(".menu[open]")) {
      if (!left || !menu.contains(left)) menu.open = false;
    }
  };
  addEventListener("click", ({ target }) => closeMenus(target));
  addEventListener("focusin", ({ target }) => closeMenus(target));
  addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    const menu = document.querySelector(".menu[open]:focus-within");
    closeMenus(null);
    menu?.querySelector("summary").focus();
  });

  // On a narrow screen the menu scrolls: what is shown is in view.
  const shown = document.querySelector(".side nav [aria-current]");
  const list = shown?.closest("nav");
  if (list) list.scrollLeft = shown.offsetLeft - list.clientWidth / 2;

  // Copying works without a secure context: the text is selected.
  addEventListener("click", ({ target }) => {
    const button = target.closest("[data-copy]");
    if (!button) return;
    const from = document.getElementById(button.dataset.copy);
    if (!from) return;
    getSelection().selectAllChildren(from);
    navigator.clipboard?.writeText(from.textContent).catch(() => {});
    button.textContent = "Copied";
    setTimeout(() => button.textContent = "Copy", 1_500);
  });

  // The zone of this browser is offered.
  const own = document.querySelector("[data-own-zone]");
  if (own) {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    own.textContent = `Use the zone of this browser: ${timeZone}`;
    own.addEventListener("click", () => document.querySelector("[data-zone]").value = timeZone);
  }
  tellTimes();
})();
