// Makes the plain pages quicker to use. Everything works without it.
"use strict";

// "/" goes to the search of this page, or to the people.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.querySelector("input[type=search]");
  const people = document.querySelector('nav a[href="/people"]');
  if (!search && !people) return;
  event.preventDefault();
  if (search) search.focus();
  else location.assign("/people");
});

// A second press of the same button does nothing: the server would refuse it anyway.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.pressed) return event.preventDefault();
  event.target.dataset.pressed = "yes";
});
// Coming back by the Back button makes the form usable again.
addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-pressed]").forEach((form) => delete form.dataset.pressed);
});

// A board is told of changes by the server; while that connection is down it asks by itself. When
// it has heard nothing for 15 seconds it says so.
const live = document.querySelector("[data-live]");
if (live) {
  const stale = document.querySelector("[data-stale]");
  const spoken = document.querySelector("[data-spoken]");
  const every = 1000 * live.dataset.live;
  const wasHeld = live.querySelector("#hold") !== null;
  let heard = Date.now();
  let said = 0;
  let source;
  live.addEventListener("htmx:after:swap", (event) => {
    // A refused answer is not swapped in, and is no news.
    if (event.detail?.ctx?.response?.status >= 400) return;
    heard = Date.now();
    // What stands around the moving part said that nothing had been sent yet.
    if (wasHeld && !live.querySelector("#hold")) return location.reload();
    const summary = live.querySelector("[data-summary]");
    // Screen readers hear the numbers at most every 15 seconds.
    if (spoken && summary && heard - said > 15000 && spoken.textContent !== summary.textContent) {
      spoken.textContent = summary.textContent;
      said = heard;
    }
  });
  const listen = () => {
    source?.close();
    source = undefined;
    // A page that nobody looks at leaves its connection to those that are looked at.
    if (!live.dataset.events || document.hidden) return;
    source = new EventSource(live.dataset.events);
    source.addEventListener("board", (event) => {
      htmx.swap({ sourceElement: live, target: live, text: event.data, swap: "innerMorph" });
    });
  };
  if (every) {
    listen();
    document.addEventListener("visibilitychange", listen);
    setInterval(() => {
      const isTold = source?.readyState === EventSource.OPEN && Date.now() - heard < 8000;
      if (!isTold && !document.hidden) htmx.trigger(live, "ask");
    }, every);
    setInterval(() => {
      if (stale) stale.hidden = Date.now() - heard < 15000;
    }, 1000);
  }
}

// A folded form no longer repeats what it said when it was loaded once that has been changed.
document.addEventListener("input", (event) => {
  event.target.closest("details")?.querySelector("[data-as-loaded]")?.remove();
});

// Picking a file shows at once what is in it.
document.querySelectorAll("input[type=file][data-submit]").forEach((input) => {
  input.addEventListener("change", () => input.files.length && input.form.requestSubmit());
});

// "Other" is picked by typing into its field.
document.addEventListener("input", (event) => {
  const radio = event.target.dataset.picks && document.getElementById(event.target.dataset.picks);
  if (radio && !radio.checked) {
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  }
});

// The print button shows only where it works.
document.querySelectorAll("[data-print]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => print());
});
