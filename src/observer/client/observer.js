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
  let failure = null;
  const tellStatus = () => {
    if (!status || !every) return;
    const ago = span(Date.now() - last);
    const text = failure
      ? `${failure} · last looked ${ago} ago`
      : isPaused
      ? "paused"
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
  const isBusy = (part) => {
    const focus = document.activeElement;
    const isEntered = focus && part.contains(focus) &&
      /^(INPUT|TEXTAREA|SELECT)$/.test(focus.tagName);
    return isEntered || part.querySelector("input:checked[type=checkbox]") ||
      !getSelection().isCollapsed;
  };
  const put = (text) => {
    const next = new DOMParser().parseFromString(text, "text/html");
    for (const part of document.querySelectorAll("[data-part]")) {
      const fresh = next.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!fresh || fresh.innerHTML === part.innerHTML || isBusy(part)) continue;
      const open = [...part.querySelectorAll("details")].map((one) => one.open);
      const here = rows().indexOf(row);
      const links = [...part.querySelectorAll("a, button")];
      const focus = links.indexOf(document.activeElement);
      part.replaceChildren(...fresh.childNodes);
      part.querySelectorAll("details").forEach((one, index) => one.open = open[index] ?? one.open);
      if (here >= 0) mark(here);
      if (focus >= 0) part.querySelectorAll("a, button")[focus]?.focus();
    }
    const live = next.querySelector("main")?.dataset.live;
    every = Number(live || 0) * 1000;
    if (!every && status) status.hidden = true;
    tellTimes();
    document.dispatchEvent(new CustomEvent("continuum:shown"));
  };
  const look = async () => {
    clearTimeout(timer);
    if (!every || isPaused || document.hidden) return;
    try {
      const headers = { accept: "text/html" };
      if (tag) headers["if-none-match"] = tag;
      const answer = await fetch(location.href, { headers, cache: "no-store" });
      last = Date.now();
      failure = answer.ok || answer.status === 304
        ? null
        : answer.status >= 500
        ? "no answer"
        : "not found";
      if (answer.ok) {
        const isFirst = tag === null;
        tag = answer.headers.get("etag");
        put(await answer.text());
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
      if (fresh) part.replaceChildren(...fresh.childNodes);
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
  const zone = document.querySelector("[data-zone]");
  if (zone) zone.title = "This browser is in " + Intl.DateTimeFormat().resolvedOptions().timeZone;
  tellTimes();
})();
