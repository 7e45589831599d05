(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const tip = $("tip");
  const places = new Map(); // layer -> every element that stands for it
  const words = new Map(); // section and layer -> its values, one per line
  let pinned = null; // {layer, element}
  let shown = null;

  const layerAt = (target) => (target instanceof Element ? target.closest("[data-layer]") : null);
  const mark = (layer, kind, on) => (places.get(layer) || []).forEach((element) => element.classList.toggle(kind, on));

  const keyOf = (element) => `${element.closest("section")?.id} ${element.dataset.layer}`;

  // Name and values of a layer, without those of curves that are hidden now.
  function linesOf(element) {
    const group = element.closest("[data-quantities]");
    const quantities = group ? group.dataset.quantities.split(" ") : [];
    const isShown = (quantity) => {
      const part = group && group.querySelector(`[data-quantity="${quantity}"]`);
      return !part || getComputedStyle(part).display !== "none";
    };
    return (words.get(keyOf(element)) || "").split("\n").filter((_, place) => !place || isShown(quantities[place - 1]));
  }

  function nameLayers() {
    document.querySelectorAll(".layers > *").forEach((element) => element.setAttribute("aria-label", linesOf(element).join(", ")));
  }

  const squareAt = (event) => (event && event.target.closest ? event.target.closest(".cells > *") : null);

  function wordsOfSquare(row, cell) {
    const column = [...cell.parentElement.children].indexOf(cell);
    const other = row.parentElement.children[column].dataset.layer;
    return [row.dataset.layer, `and ${other}`, `overlap ${row.dataset.values.split("|")[column]}`];
  }

  function tell(element, event) {
    const cell = squareAt(event); // a square of the map has words of its own
    const lines = cell ? wordsOfSquare(element, cell) : linesOf(element);
    if (!lines[0] || lines.length < 2) return void (tip.hidden = true);
    const name = document.createElement("b");
    name.textContent = lines[0];
    tip.replaceChildren(name, "\n" + lines.slice(1).join("\n"));
    tip.hidden = false;
    const follows = element.querySelector("polyline");
    const box = (cell || element.querySelector(".hit") || element).getBoundingClientRect();
    const at = follows && event && event.clientX ? { left: event.clientX, right: event.clientX, top: event.clientY } : box;
    const width = document.documentElement.clientWidth;
    const left = (at.left + at.right - tip.offsetWidth) / 2;
    const above = at.top - tip.offsetHeight - 10;
    tip.style.left = Math.min(Math.max(8, left), width - tip.offsetWidth - 8) + window.scrollX + "px";
    tip.style.top = (above > 4 ? above : at.top + 34) + window.scrollY + "px";
  }

  function show(element, event) {
    if (shown) mark(shown.dataset.layer, "on", false);
    shown = element;
    if (element) {
      mark(element.dataset.layer, "on", true);
      tell(element, event);
    } else if (pinned) tell(pinned.element);
    else tip.hidden = true;
  }

  function pin(element) {
    const layer = element && element.dataset.layer;
    const again = pinned && pinned.layer === layer;
    if (pinned) mark(pinned.layer, "pin", false);
    pinned = layer && !again ? { layer, element } : null;
    if (pinned) mark(layer, "pin", true);
    document.dispatchEvent(new CustomEvent("dimscope:pin", { detail: pinned && layer }));
    document.querySelectorAll("[aria-pressed]").forEach((button) => {
      const place = layerAt(button);
      if (place) button.setAttribute("aria-pressed", String(Boolean(pinned) && place.dataset.layer === pinned.layer));
    });
    if (!pinned) show(null);
  }

  for (const element of document.querySelectorAll("[data-layer]")) {
    const layer = element.dataset.layer;
    if (!places.has(layer)) places.set(layer, []);
    places.get(layer).push(element);
    const title = element.querySelector("title");
    const text = title ? title.textContent : element.title;
    if (text) words.set(keyOf(element), text);
    if (title) title.remove();
    element.removeAttribute("title");
  }

  // Figures: one stop of the tab key each, arrow keys go from layer to layer.
  for (const group of document.querySelectorAll(".layers")) {
    const svg = group.closest("svg");
    svg.setAttribute("role", "group");
    [...group.children].forEach((element, place) => {
      element.setAttribute("role", "button");
      element.setAttribute("aria-pressed", "false");
      element.setAttribute("tabindex", place ? "-1" : "0");
    });
    group.addEventListener("keydown", (event) => {
      const all = [...group.children];
      const here = all.indexOf(layerAt(event.target));
      const to = { ArrowRight: here + 1, ArrowUp: here + 1, ArrowLeft: here - 1, ArrowDown: here - 1, Home: 0, End: all.length - 1 }[event.key];
      if (event.key === "Enter" || event.key === " ") pin(all[here]);
      else if (to === undefined) return;
      else if (all[to]) {
        all[here].setAttribute("tabindex", "-1");
        all[to].setAttribute("tabindex", "0");
        all[to].focus();
      }
      event.preventDefault();
    });
  }
  nameLayers();
  for (const label of document.querySelectorAll(".pick")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = label.className;
    button.textContent = label.textContent;
    button.setAttribute("aria-pressed", "false");
    label.replaceWith(button);
  }

  document.addEventListener("pointerover", (event) => {
    const element = layerAt(event.target);
    if (element !== shown || squareAt(event)) show(element, event);
  });
  document.addEventListener("focusin", (event) => show(layerAt(event.target)));
  document.addEventListener("focusout", () => show(null));
  document.addEventListener("click", (event) => {
    const element = layerAt(event.target);
    if (element) pin(element);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") pin(null);
  });

  // One switch in every figure that has controls; all move together.
  const switches = document.querySelectorAll("[data-hides]");
  for (const box of switches) {
    box.parentElement.hidden = false;
    box.addEventListener("change", () => {
      document.documentElement.classList.toggle("without-controls", !box.checked);
      switches.forEach((other) => (other.checked = box.checked));
      nameLayers();
    });
  }

  // Curves that wait in a figure: the dimension at another scale, and the published ones, which have a drawing of their own.
  function showScale(figure, wanted) {
    figure.classList.toggle("with-scale", wanted !== "");
    for (const part of figure.querySelectorAll("[data-scale]")) {
      part.classList.toggle("shown", wanted === "all" || part.dataset.scale === wanted);
    }
  }
  for (const choice of document.querySelectorAll("[data-shows]")) {
    choice.parentElement.hidden = false;
    choice.addEventListener("change", () => {
      const figure = choice.closest("figure");
      if (choice.dataset.shows === "scale") showScale(figure, choice.value);
      else figure.classList.toggle("with-published", choice.checked);
      nameLayers();
    });
  }
})();
